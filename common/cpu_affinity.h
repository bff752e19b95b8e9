#ifndef WINDLASS_COMMON_CPU_AFFINITY_H_
#define WINDLASS_COMMON_CPU_AFFINITY_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

// On which CPUs a process may run: sched_setaffinity(2). CPUs are numbered as the kernel does.
// Blocking: never.

namespace windlass {

// Those of this process, ascending. Empty: the kernel does not say.
std::vector<int> AllowedCpus();

// From now on this process, and what it starts, runs there only. Errors: InvalidArgument if it may
// run on none of them.
absl::Status RunOnCpus(absl::Span<const int> cpus);

// The part of `cpus` for sharer `index` of `sharers`, such that no two have a CPU in common: every
// `sharers`-th, which keeps the threads of one core together where the kernel numbers cores before
// their second threads. All of `cpus` if there are more sharers than CPUs.
// REQUIRES: index < sharers.
std::vector<int> ShareOfCpus(absl::Span<const int> cpus, size_t index, size_t sharers);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CPU_AFFINITY_H_
