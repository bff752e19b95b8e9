#ifndef WINDLASS_TOOLS_BENCH_LATENCY_HISTOGRAM_H_
#define WINDLASS_TOOLS_BENCH_LATENCY_HISTOGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace windlass {

// Role: counts latencies in log-linear buckets: every power of two is cut into kSteps equal buckets
// (after HdrHistogram). Invariants: 1. every value from 0 to INT64_MAX ns has a bucket; 2. a
// percentile is never below the true one, and above it by less than 1/kSteps = 0.8 % (exact below
// kSteps ns); 3. Max is exact. Recording is O(1), without allocation. About 57 KiB. Blocking:
// never.
class LatencyHistogram {
 public:
  static constexpr int kStepBits = 7;
  static constexpr uint64_t kSteps = uint64_t{1} << kStepBits;

  void Record(int64_t ns);  // negative counts as 0

  uint64_t count() const { return count_; }
  int64_t Max() const { return max_; }
  // The least recorded value that at least `percent` of all values do not exceed, rounded up to the
  // end of its bucket; 0 when nothing was recorded. REQUIRES: 0 < percent <= 100.
  int64_t Percentile(double percent) const;

 private:
  // Values below kSteps have a bucket each; then kSteps for each power of two up to 2^63.
  static constexpr size_t kBuckets = static_cast<size_t>(kSteps) * (63 - kStepBits + 1);

  static size_t BucketOf(uint64_t ns);
  static uint64_t LastOf(size_t bucket);  // the greatest value in it

  std::array<uint64_t, kBuckets> buckets_ = {};
  uint64_t count_ = 0;
  int64_t max_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_LATENCY_HISTOGRAM_H_
