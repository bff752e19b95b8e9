#ifndef WINDLASS_MASTER_POOL_SCALER_H_
#define WINDLASS_MASTER_POOL_SCALER_H_

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/config.h"
#include "master/pool_activity.h"

namespace windlass {

// Role: how many processes a pool shall have whose number follows the load (pool.min, pool.max).
// One for each pool of a generation; it is shown the pool now and then, and does nothing itself.
// All of it is arithmetic.
//
// More, when jobs wait for longer than grow_after: that is, one has been waiting in a worker for so
// long, or every process has had a job and others have waited all that time, and at the rate at
// which jobs were done the last of them will have to wait for longer. One more first, then twice as
// many each time, at most kMostAtOnce, and never before those asked for are there.
// Fewer, when some had nothing to do at any look for shrink_after: half of these, so that load that
// comes and goes is not paid for each time.
class PoolScaler {
 public:
  static constexpr int kMostAtOnce = 32;

  // REQUIRES: pool.max > 0.
  explicit PoolScaler(const PoolConfig& pool);

  // `wanted`, `ready`: processes. Returns how many are wanted from now on, from min to max.
  int Next(int wanted, int ready, const PoolActivity& activity, Instant now);
  // How long the job that comes next will wait, by the last look.
  absl::Duration wait() const { return wait_; }

 private:
  absl::Duration WaitAt(int ready, const PoolActivity& activity, Instant now);
  double NsPerJob(const PoolActivity& activity, Instant now);

  // Fixed after construction.
  const int min_, max_;
  const absl::Duration grow_after_, shrink_after_;
  // Working state.
  Instant pressed_since_ = Instant::Never();  // jobs wait, and no process is without one
  // The rate at which jobs are done: since when, and how many had been done then, by whom.
  Instant rate_since_ = Instant::Never();
  uint64_t done_then_ = 0, members_ = 0;
  double ns_per_job_ = 0;  // of the sample before; 0: none
  absl::Duration wait_;
  int step_ = 1;
  Instant idle_since_ = Instant::Never();
  int least_idle_ = 0;  // since then
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_POOL_SCALER_H_
