#include "tools/bench/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/log.h"

namespace windlass {

size_t LatencyHistogram::BucketOf(uint64_t ns) {
  if (ns < kSteps) return static_cast<size_t>(ns);
  const int shift = std::bit_width(ns) - 1 - kStepBits;  // leaves kSteps .. 2 * kSteps - 1
  return static_cast<size_t>((static_cast<uint64_t>(shift) << kStepBits) + (ns >> shift));
}

uint64_t LatencyHistogram::LastOf(size_t bucket) {
  if (bucket < 2 * kSteps) return bucket;
  const uint64_t shift = (bucket >> kStepBits) - 1;
  const uint64_t step = bucket - (shift << kStepBits);
  return ((step + 1) << shift) - 1;
}

void LatencyHistogram::Record(int64_t ns) {
  const int64_t value = std::max<int64_t>(ns, 0);
  ++buckets_[BucketOf(static_cast<uint64_t>(value))];
  ++count_;
  max_ = std::max(max_, value);
}

int64_t LatencyHistogram::Percentile(double percent) const {
  CHECK(percent > 0 && percent <= 100) << percent;
  if (count_ == 0) return 0;
  // The small number makes up for 99.9 not being a binary fraction: 99.9 % of 1000 is the 999th
  // value.
  const double rank = std::ceil(percent / 100 * static_cast<double>(count_) - 1e-6);
  const uint64_t wanted = std::clamp<uint64_t>(static_cast<uint64_t>(rank), 1, count_);
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) return std::min(static_cast<int64_t>(LastOf(bucket)), max_);
  }
  return max_;
}

}  // namespace windlass
