#include "master/pool_scaler.h"

#include <algorithm>
#include <utility>

namespace windlass {

PoolScaler::PoolScaler(const PoolConfig& pool)
    : min_(std::max(1, pool.min)),
      max_(pool.max),
      grow_after_(pool.grow_after),
      shrink_after_(pool.shrink_after) {}

// By Little's law: as many as wait, at the rate at which jobs are done.
absl::Duration PoolScaler::WaitAt(int ready, const PoolActivity& activity, Instant now) {
  const bool is_pressed = activity.waiting > 0 && static_cast<int>(activity.running) >= ready;
  if (!is_pressed) {
    pressed_since_ = Instant::Never();
  } else if (pressed_since_ == Instant::Never()) {
    pressed_since_ = now;
    done_then_ = activity.done;
  }
  absl::Duration wait = absl::ZeroDuration();
  if (activity.oldest < now) wait = now - activity.oldest;
  if (pressed_since_ >= now) return wait;
  const absl::Duration pressed = now - pressed_since_;
  const uint64_t done = activity.done > done_then_ ? activity.done - done_then_ : 0;
  const double jobs = static_cast<double>(std::max<uint64_t>(done, 1));
  const absl::Duration due = pressed * (static_cast<double>(activity.waiting) / jobs);
  return pressed < grow_after_ ? wait : std::max(wait, due);
}

int PoolScaler::Next(int wanted, int ready, const PoolActivity& activity, Instant now) {
  wait_ = WaitAt(ready, activity, now);
  const int idle = std::max(0, ready - static_cast<int>(activity.running));
  if (wait_ >= grow_after_) {
    idle_since_ = Instant::Never();
    if (ready < wanted || wanted >= max_) return std::clamp(wanted, min_, max_);
    const int more = step_;
    step_ = std::min(2 * step_, kMostAtOnce);
    pressed_since_ = Instant::Never();  // those that come change the rate
    return std::clamp(wanted + more, min_, max_);
  }
  if (activity.waiting == 0) step_ = 1;
  if (idle_since_ == Instant::Never() || idle == 0) {
    idle_since_ = now;
    least_idle_ = idle;
  }
  least_idle_ = std::min(least_idle_, idle);
  if (now - idle_since_ < shrink_after_) return std::clamp(wanted, min_, max_);
  idle_since_ = now;
  const int less = (std::exchange(least_idle_, idle) + 1) / 2;
  return std::clamp(wanted - less, min_, max_);
}

}  // namespace windlass
