#ifndef WINDLASS_MASTER_UPGRADER_H_
#define WINDLASS_MASTER_UPGRADER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/posix.h"
#include "common/selector.h"
#include "common/timer_wheel.h"
#include "proto/upgrade.pb.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Who is upgraded.
class UpgradeHost {
 public:
  // Everything that the next binary must know. An error: not now.
  virtual absl::StatusOr<proto::UpgradeState> DescribeForUpgrade() = 0;
  // It did not come to the exec, and everything is as it was.
  virtual void OnUpgradeFailed(const std::string& why) = 0;

 protected:
  virtual ~UpgradeHost() = default;
};

// Role: replaces this process's program by the one that is at its path now, with the same pid,
// children and sockets. The master. A child first runs the new program with --check-upgrade on the
// state; only when that succeeds within kCheckTimeout does this process exec it. Whatever goes
// wrong before leaves everything as it was. Owns the child that checks. Blocking: never. Errors: to
// the host.
class Upgrader : public TimerOwner {
 public:
  static constexpr uint64_t kTokenKind = 7;
  static constexpr absl::Duration kCheckTimeout = absl::Seconds(20);

  // `command`: the command line of this process. The program is looked for by path, not by
  // /proc/self/exe, which is the old file: when argv[0] names no path, at what /proc/self/exe is
  // now.
  Upgrader(std::vector<std::string> command, Selector* selector, TimerWheel* timers,
           UpgradeHost* host);
  ~Upgrader() override;

  // OnUpgradeFailed follows, or this process is another program.
  void Begin();
  bool running() const { return checker_.valid(); }
  void OnReady();                 // the child that checks has ended
  bool OnChildExited(pid_t pid);  // false: not ours
  const std::string& program() const { return program_; }

 private:
  absl::Status StartCheck(const proto::UpgradeState& state);
  void OnTimer(Timer* timer, Instant now) override;
  void Exec();
  void Fail(const std::string& why);
  std::vector<std::string> CommandWith(const std::string& flag) const;

  // Fixed after construction.
  std::vector<std::string> command_;
  std::string program_;
  Selector* const selector_;
  TimerWheel* const timers_;
  UpgradeHost* const host_;
  // While checking.
  pid_t checker_pid_ = 0;
  OwnedFd checker_;  // pidfd
  OwnedFd output_;   // what it says
  bool timed_out_ = false;
  Timer timer_{this};
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_UPGRADER_H_
