#ifndef WINDLASS_MASTER_QUARANTINE_H_
#define WINDLASS_MASTER_QUARANTINE_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/config.h"
#include "common/fingerprint.h"
#include "proto/control.pb.h"
#include "proto/upgrade.pb.h"

namespace windlass {

// A payload that has crashed processes. It is known by its handler's name, so that a reload does
// not make it another one.
struct Poison {
  std::string handler;
  uint64_t bytes = 0;
  Fingerprint fingerprint;
  uint32_t crashes = 0;
  absl::Time last_crash;
  Instant expires;  // counted from the last crash
};

// Role: the payloads that are refused because they have crashed kCrashes processes, and those that
// have crashed fewer, the suspects. The master, for all generations. Both lists are bounded: the
// one that has not crashed anything for longest gives way. Blocking: never.
class Quarantine {
 public:
  static constexpr uint32_t kCrashes = 2;
  static constexpr size_t kSuspects = 1024, kEntries = 256;

  // Returns the entry if this crash has made one; null: a suspect, or an entry that has been
  // crashing before. Valid until the next call that is not const. REQUIRES: ttl > 0.
  const Poison* OnCrash(absl::string_view handler, uint64_t bytes, Fingerprint fingerprint,
                        absl::Duration ttl, absl::Time wall, Instant now);
  void Expire(Instant now);
  // Ends what a ShortName or "all" names, and what was suspected of it. Returns how many entries.
  size_t Clear(absl::string_view which);

  const std::deque<Poison>& entries() const { return entries_; }  // the latest last
  const std::deque<Poison>& suspects() const { return suspects_; }
  uint64_t version() const { return version_; }  // changes with the entries
  // What the workers of this configuration must know.
  proto::Command CommandFor(const Config& config) const;

  void Describe(proto::UpgradeState* state) const;
  void Adopt(const proto::UpgradeState& state);  // REQUIRES: it is empty

 private:
  std::deque<Poison> entries_, suspects_;
  uint64_t version_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_QUARANTINE_H_
