#ifndef WINDLASS_TOOLS_BENCH_SCHEDULE_H_
#define WINDLASS_TOOLS_BENCH_SCHEDULE_H_

#include <cstdint>

#include "common/clock.h"
#include "tools/bench/bench_options.h"

namespace windlass {

// Role: says when which request is due. Closed loop: always at once, until the duration or the
// number is used up. Open loop: number N at start + N / rate, and every request due within the
// duration stays due after it, however late: leaving out those that a stalled server kept from
// being sent would leave out the worst latencies (coordinated omission). Pure but for its position.
// Blocking: never.
class Schedule {
 public:
  Schedule() = default;
  Schedule(const BenchOptions& options, Instant start);

  uint64_t issued() const { return issued_; }
  uint64_t Unissued() const;  // of those that must be sent; 0 where only the duration bounds
  // Whether there will be another request at all.
  bool HasMore(Instant now) const { return issued_ < limit_ && (open_loop_ || now < stop_at_); }
  bool IsDue(Instant now) const { return HasMore(now) && NextDue(now) <= now; }
  // When the next request is or was due; `now` in a closed loop.
  Instant NextDue(Instant now) const;
  void Advance() { ++issued_; }
  Instant stop_at() const { return stop_at_; }  // Never without a duration

 private:
  bool open_loop_ = false;
  bool bounded_by_number_ = false;
  double interval_ns_ = 0;
  Instant start_;
  Instant stop_at_ = Instant::Never();
  uint64_t limit_ = 0;
  uint64_t issued_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_SCHEDULE_H_
