#include "tools/bench/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace windlass {
namespace {

TEST(LatencyHistogram, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.Percentile(50), 0);
  EXPECT_EQ(histogram.Max(), 0);
}

TEST(LatencyHistogram, IsExactForSmallValuesAndForTheLargest) {
  for (const int64_t ns :
       {int64_t{0}, int64_t{1}, int64_t{127}, int64_t{255}, int64_t{123'456'789}, INT64_MAX}) {
    LatencyHistogram histogram;
    histogram.Record(ns);
    EXPECT_EQ(histogram.Percentile(50), ns);
    EXPECT_EQ(histogram.Max(), ns);
  }
}

TEST(LatencyHistogram, ErrsByLessThanOneInAHundredAndTwentyEightAndNeverDownwards) {
  for (int shift = 0; shift < 62; ++shift) {
    for (const int64_t offset : {-1, 0, 1, 1 << 10}) {
      const int64_t ns = std::max<int64_t>((int64_t{1} << shift) + offset, 0);
      LatencyHistogram histogram;
      histogram.Record(ns);
      histogram.Record(INT64_MAX);  // so that the answer is not cut at the maximum
      const int64_t said = histogram.Percentile(50);
      EXPECT_GE(said, ns);
      EXPECT_LE(static_cast<double>(said - ns), static_cast<double>(ns) / 128) << ns;
    }
  }
}

TEST(LatencyHistogram, AgreesWithASortedListOfTheSameValues) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency(std::log(150'000.0), 1.5);
  LatencyHistogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<int64_t>(latency(random)));
    histogram.Record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {0.01, 1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const size_t rank = static_cast<size_t>(std::ceil(percent * 200 - 1e-6));  // of 20,000
    const int64_t exact = values[rank - 1];
    EXPECT_GE(histogram.Percentile(percent), exact) << percent;
    EXPECT_LE(static_cast<double>(histogram.Percentile(percent)),
              static_cast<double>(exact) * (1 + 1.0 / 128))
        << percent;
  }
}

TEST(LatencyHistogram, APercentileIsTheLeastValueThatEnoughDoNotExceed) {
  LatencyHistogram histogram;
  for (int64_t ns = 1; ns <= 100; ++ns) histogram.Record(ns);
  EXPECT_EQ(histogram.Percentile(50), 50);
  EXPECT_EQ(histogram.Percentile(99), 99);
  EXPECT_EQ(histogram.Percentile(99.9), 100);
  EXPECT_EQ(histogram.Percentile(0.5), 1);
}

TEST(LatencyHistogram, OneOfAThousandIsBeyondItsPermille) {
  LatencyHistogram histogram;
  for (int i = 0; i < 999; ++i) histogram.Record(1);
  histogram.Record(100'000);
  EXPECT_EQ(histogram.Percentile(99.9), 1);
}

TEST(LatencyHistogram, ANegativeLatencyCountsAsNone) {
  LatencyHistogram histogram;
  histogram.Record(-5);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.Percentile(100), 0);
}

}  // namespace
}  // namespace windlass
