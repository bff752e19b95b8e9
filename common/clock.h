#ifndef WINDLASS_COMMON_CLOCK_H_
#define WINDLASS_COMMON_CLOCK_H_

#include <compare>
#include <cstdint>

#include "absl/time/time.h"

namespace windlass {

// A point on CLOCK_MONOTONIC, in nanoseconds. The same clock in every process of the machine, so
// that instants may cross the process boundary (a job's deadline does). Only loops read the clock;
// everything else is handed an instant.
struct Instant {
  int64_t ns = 0;

  static constexpr Instant Never() { return Instant{INT64_MAX}; }
  friend constexpr auto operator<=>(Instant, Instant) = default;
};

// Saturates at Never(), so that an "infinite" duration is a deadline that does not come.
inline Instant operator+(Instant at, absl::Duration by) {
  const int64_t by_ns = absl::ToInt64Nanoseconds(by);
  int64_t sum = 0;
  if (__builtin_add_overflow(at.ns, by_ns, &sum)) return Instant::Never();
  return Instant{sum};
}
// Saturates, too: one of them may come from a process that writes nonsense.
inline absl::Duration operator-(Instant later, Instant earlier) {
  int64_t difference = 0;
  if (__builtin_sub_overflow(later.ns, earlier.ns, &difference)) {
    return later < earlier ? -absl::InfiniteDuration() : absl::InfiniteDuration();
  }
  return absl::Nanoseconds(difference);
}

// Reads the clock. Blocking: never (vDSO, no system call).
Instant MonotonicNow();

}  // namespace windlass

#endif  // WINDLASS_COMMON_CLOCK_H_
