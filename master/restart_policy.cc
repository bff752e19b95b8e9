#include "master/restart_policy.h"

#include <algorithm>

namespace windlass {

absl::Duration RestartDelay(int quick_deaths, const RestartPolicy& policy) {
  if (quick_deaths == 0) return absl::ZeroDuration();
  const int doublings = std::min(quick_deaths - 1, 20);  // 2^20 is past any sane cap
  return std::min(policy.first_delay * (int64_t{1} << doublings), policy.max_delay);
}

absl::Duration SpawnRate::Take(Instant now) {
  tokens_ = std::min(per_second_, tokens_ + absl::ToDoubleSeconds(now - filled_) * per_second_);
  filled_ = now;
  if (tokens_ < 1) return absl::Seconds((1 - tokens_) / per_second_);
  tokens_ -= 1;
  return absl::ZeroDuration();
}

}  // namespace windlass
