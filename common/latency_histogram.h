#ifndef WINDLASS_COMMON_LATENCY_HISTOGRAM_H_
#define WINDLASS_COMMON_LATENCY_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "common/scoreboard.h"

// Durations, counted in buckets whose width grows with the duration: four to an octave, from 16 us
// to 67 s, so that a percentile is off by a fifth at most. A bucket's upper bound belongs to it;
// the last one has none.

namespace windlass {

constexpr size_t kLatencySubBuckets = 4;
constexpr size_t kLatencyOctaves = 22;
constexpr uint64_t kLatencyLeastUs = 16;
constexpr size_t kLatencyBuckets = 1 + kLatencySubBuckets * kLatencyOctaves + 1;

// Pure. Negative durations are none.
constexpr size_t LatencyBucket(int64_t ns) {
  // In units whose bounds are exclusive: 16000 ns are in the first bucket, 16001 in the second.
  const uint64_t us = ns <= 0 ? 0 : static_cast<uint64_t>(ns - 1) / 1000;
  if (us < kLatencyLeastUs) return 0;
  const auto octave = static_cast<size_t>(std::bit_width(us)) - 5;
  const size_t within = (us >> (octave + 2)) & (kLatencySubBuckets - 1);
  return std::min(1 + octave * kLatencySubBuckets + within, kLatencyBuckets - 1);
}

// Pure. REQUIRES: not the last bucket.
constexpr uint64_t LatencyUpperUs(size_t bucket) {
  if (bucket == 0) return kLatencyLeastUs;
  const size_t octave = (bucket - 1) / kLatencySubBuckets;
  const size_t within = (bucket - 1) % kLatencySubBuckets;
  return (kLatencyLeastUs << octave) / kLatencySubBuckets * (kLatencySubBuckets + 1 + within);
}

// In shared memory: one writer, read by all. All zero at first.
struct LatencyHistogram {
  std::array<Word<uint64_t>, kLatencyBuckets> counts;
  Word<uint64_t> sum_ns;

  // Costs two additions in memory.
  void Add(int64_t ns) {
    Bump(counts[LatencyBucket(ns)]);
    if (ns > 0) Bump(sum_ns, static_cast<uint64_t>(ns));
  }
};

// What several have counted.
struct LatencyCounts {
  std::array<uint64_t, kLatencyBuckets> counts = {};
  uint64_t sum_ns = 0;

  void Add(const LatencyHistogram& one) {
    for (size_t i = 0; i < kLatencyBuckets; ++i) {
      counts[i] += one.counts[i].load(std::memory_order_relaxed);
    }
    sum_ns += one.sum_ns.load(std::memory_order_relaxed);
  }
  void Add(const LatencyCounts& other) {
    for (size_t i = 0; i < kLatencyBuckets; ++i) counts[i] += other.counts[i];
    sum_ns += other.sum_ns;
  }
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_LATENCY_HISTOGRAM_H_
