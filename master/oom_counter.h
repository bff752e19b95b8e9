#ifndef WINDLASS_MASTER_OOM_COUNTER_H_
#define WINDLASS_MASTER_OOM_COUNTER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/clock.h"

namespace windlass {

// Role: knows which SIGKILLs came from the kernel for want of memory: it counts them in the cgroup
// that the victims were in (oom_kill in memory.events of cgroup v2 and in memory.oom_control of
// v1). The master. Each kill that was counted explains one death. Blocking: reads of /proc and of
// the cgroup's files, which are in memory. Errors: a count that cannot be read explains nothing.
class OomCounter {
 public:
  // Counts from now on. `root`: "" but in tests.
  explicit OomCounter(absl::string_view root = "");

  // A child of ours was killed by SIGKILL, and not by us. If that was for memory: the cgroup whose
  // count says so.
  std::optional<std::string> Explain();
  // Now and then: kills that no death of ours was explained by within kExpiry were somebody else's
  // (a handler's own child), and explain none of later.
  static constexpr absl::Duration kExpiry = absl::Seconds(10);
  void ForgetOld(Instant now);

 private:
  struct Source {
    std::string file, cgroup;
    uint64_t explained;  // counts up to here are not news
    uint64_t seen = 0;   // by ForgetOld, first at:
    Instant seen_at;
  };
  std::vector<Source> sources_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_OOM_COUNTER_H_
