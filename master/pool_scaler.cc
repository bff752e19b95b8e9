#include "master/pool_scaler.h"

#include <algorithm>
#include <utility>

namespace windlass {
namespace {

constexpr absl::Duration kSample = absl::Seconds(1);

}  // namespace

PoolScaler::PoolScaler(const PoolConfig& pool)
    : min_(std::max(1, pool.min)),
      max_(pool.max),
      grow_after_(pool.grow_after),
      shrink_after_(pool.shrink_after) {}

// How long it takes until one more job is done, by the last second or two.
double PoolScaler::NsPerJob(const PoolActivity& activity, Instant now) {
  if (rate_since_ == Instant::Never() || activity.members != members_ ||
      activity.done < done_then_) {
    rate_since_ = now;
    done_then_ = activity.done;
    members_ = activity.members;
    ns_per_job_ = 0;
  }
  const absl::Duration sampled = now - rate_since_;
  const uint64_t done = std::max<uint64_t>(activity.done - done_then_, 1);
  const double ns = absl::ToDoubleNanoseconds(sampled) / static_cast<double>(done);
  if (sampled < kSample) return std::max(ns, ns_per_job_);
  rate_since_ = now;
  done_then_ = activity.done;
  return ns_per_job_ = ns;
}

// By Little's law: as many as wait, at the rate at which jobs are done.
absl::Duration PoolScaler::WaitAt(int ready, const PoolActivity& activity, Instant now) {
  const bool is_pressed = activity.waiting > 0 && static_cast<int>(activity.running) >= ready;
  if (!is_pressed) {
    pressed_since_ = rate_since_ = Instant::Never();
  } else if (pressed_since_ == Instant::Never()) {
    pressed_since_ = now;
  }
  absl::Duration wait = absl::ZeroDuration();
  if (activity.oldest < now) wait = now - activity.oldest;
  if (!is_pressed) return wait;
  const absl::Duration due =
      absl::Nanoseconds(NsPerJob(activity, now) * static_cast<double>(activity.waiting));
  return now - pressed_since_ < grow_after_ ? wait : std::max(wait, due);
}

int PoolScaler::Next(int wanted, int ready, const PoolActivity& activity, Instant now) {
  wait_ = WaitAt(ready, activity, now);
  const int idle = std::max(0, ready - static_cast<int>(activity.running));
  if (wait_ >= grow_after_) {
    idle_since_ = Instant::Never();
    if (ready < wanted || wanted >= max_) return std::clamp(wanted, min_, max_);
    const int more = step_;
    step_ = std::min(2 * step_, kMostAtOnce);
    pressed_since_ = rate_since_ = Instant::Never();  // those that come change the rate
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
