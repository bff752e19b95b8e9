#ifndef WINDLASS_MASTER_RECYCLE_POLICY_H_
#define WINDLASS_MASTER_RECYCLE_POLICY_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace windlass {

// What a process may reach before a fresh one takes its place; zero or infinite: no limit.
struct RecyclePolicy {
  uint64_t max_jobs = 0;
  absl::Duration max_age = absl::InfiniteDuration();
  uint64_t max_memory_bytes = 0;  // resident
};

// The same for one process, with up to a tenth taken off, so that processes which started together
// do not end together.
struct RecycleLimits {
  uint64_t jobs = UINT64_MAX;
  Instant age = Instant::Never();
  uint64_t memory_bytes = UINT64_MAX;
};

// Pure. `seed` differs from process to process; `jobs_so_far` is what its slot has counted already.
RecycleLimits LimitsFor(const RecyclePolicy& policy, Instant started, uint64_t jobs_so_far,
                        uint64_t seed);

inline constexpr char kMemoryReached[] = "max_memory";
// Pure. Why a process is due to be replaced; "" = it is not.
absl::string_view WhyRecycle(const RecycleLimits& limits, Instant now, uint64_t jobs,
                             uint64_t memory_bytes);

// Pure. How many of a role's processes may be in replacement at a time.
constexpr int MostReplacedAtOnce(int processes) { return processes < 20 ? 1 : processes / 10; }

}  // namespace windlass

#endif  // WINDLASS_MASTER_RECYCLE_POLICY_H_
