#ifndef WINDLASS_COMMON_PROCESS_USAGE_H_
#define WINDLASS_COMMON_PROCESS_USAGE_H_

#include <sys/types.h>

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace windlass {

// User and system time that a process has used, by the kernel's ticks; also of one that has ended
// and is not reaped. nullopt: it is gone, or cannot be asked for. Blocking: never.
std::optional<absl::Duration> CpuTimeOf(pid_t pid);

// Pure. The same from the text of /proc/PID/stat, in ticks; nullopt: it is no such text.
std::optional<unsigned long long> TicksInStat(absl::string_view stat);

}  // namespace windlass

#endif  // WINDLASS_COMMON_PROCESS_USAGE_H_
