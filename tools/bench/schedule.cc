#include "tools/bench/schedule.h"

#include <algorithm>
#include <cmath>

namespace windlass {

Schedule::Schedule(const BenchOptions& options, Instant start)
    : open_loop_(options.open_loop()),
      interval_ns_(open_loop_ ? 1e9 / options.rate : 0),
      start_(start),
      limit_(options.requests.value_or(UINT64_MAX)) {
  if (options.duration) {
    stop_at_ = start + *options.duration;
    if (open_loop_) {
      const double due = std::ceil(absl::ToDoubleSeconds(*options.duration) * options.rate - 1e-6);
      limit_ = std::min(limit_, static_cast<uint64_t>(std::max(due, 1.0)));
    }
  }
  bounded_by_number_ = open_loop_ || !options.duration;
}

uint64_t Schedule::Unissued() const { return bounded_by_number_ ? limit_ - issued_ : 0; }

Instant Schedule::NextDue(Instant now) const {
  if (!open_loop_) return now;
  return Instant{start_.ns + static_cast<int64_t>(static_cast<double>(issued_) * interval_ns_)};
}

}  // namespace windlass
