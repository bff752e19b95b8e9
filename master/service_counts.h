#ifndef WINDLASS_MASTER_SERVICE_COUNTS_H_
#define WINDLASS_MASTER_SERVICE_COUNTS_H_

#include <array>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/time/time.h"
#include "common/scoreboard.h"
#include "proto/upgrade.pb.h"

namespace windlass {

// How a reload ended.
struct ReloadResult {
  absl::Time when;
  bool ok = false;
  std::string message;
};

// Role: what is counted of the whole service beside the scoreboard and the death log, over all
// generations. The master. Invariant: nothing that it counts goes backwards, over upgrades neither.
// Blocking: never.
class ServiceCounts {
 public:
  static constexpr size_t kKeptReloads = 16;

  // A process was made in the place of one that had died.
  void OnRestart() { ++restarts_; }
  void OnReloadEnded(const ReloadResult& result);
  // A process of this role is gone, after so much work.
  void OnGone(Role role, absl::Duration cpu) { Of(role).dead += cpu; }

  // What all processes of a role have ever used, of which the living ones `living`. Never less than
  // it said before: one that cannot be looked at just now has not worked less. kNone: the master.
  absl::Duration CpuOf(Role role, absl::Duration living);
  uint64_t restarts() const { return restarts_; }
  uint64_t reloads_ok() const { return reloads_ok_; }
  uint64_t reloads_failed() const { return reloads_failed_; }
  const std::deque<ReloadResult>& reloads() const { return reloads_; }  // the latest last

  void Describe(proto::UpgradeState* state) const;
  void Adopt(const proto::UpgradeState& state);

 private:
  static constexpr size_t kRoles = 5;
  struct Cpu {
    absl::Duration dead, told;
  };
  Cpu& Of(Role role) { return cpu_.at(static_cast<size_t>(role)); }

  uint64_t restarts_ = 0, reloads_ok_ = 0, reloads_failed_ = 0;
  std::deque<ReloadResult> reloads_;
  std::array<Cpu, kRoles> cpu_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_SERVICE_COUNTS_H_
