#include "tools/ctl/percentile.h"

#include <gtest/gtest.h>

#include <vector>

namespace windlass {
namespace {

proto::Histogram Of(const std::vector<uint64_t>& upper_us, const std::vector<uint64_t>& counts) {
  proto::Histogram histogram;
  histogram.mutable_upper_us()->Add(upper_us.begin(), upper_us.end());
  histogram.mutable_counts()->Add(counts.begin(), counts.end());
  return histogram;
}

std::string Text(const proto::Histogram& histogram, double share) {
  return PercentileText(PercentileOf(histogram, share));
}

TEST(PercentileOf, IsAStraightLineWithinABucket) {
  const proto::Histogram histogram = Of({100, 200, 400}, {0, 10, 10, 0});
  EXPECT_DOUBLE_EQ(PercentileOf(histogram, 0.25)->us, 150);
  EXPECT_DOUBLE_EQ(PercentileOf(histogram, 0.5)->us, 200);
  EXPECT_DOUBLE_EQ(PercentileOf(histogram, 0.75)->us, 300);
  EXPECT_DOUBLE_EQ(PercentileOf(histogram, 1.0)->us, 400);
  EXPECT_FALSE(PercentileOf(histogram, 1.0)->at_least);
}

TEST(PercentileOf, BeyondTheLastBoundIsAtLeastThat) {
  const std::optional<Percentile> beyond = PercentileOf(Of({1000}, {1, 99}), 0.5);
  EXPECT_TRUE(beyond->at_least);
  EXPECT_EQ(PercentileText(beyond), ">1.00ms");
}

TEST(PercentileOf, NothingCountedHasNone) {
  EXPECT_FALSE(PercentileOf({}, 0.5).has_value());
  EXPECT_FALSE(PercentileOf(Of({1}, {0, 0}), 0.5).has_value());
}

TEST(PercentileOf, WhatIsNoHistogramHasNone) {
  EXPECT_FALSE(PercentileOf(Of({1, 2}, {1, 1}), 0.5).has_value());
  EXPECT_FALSE(PercentileOf(Of({1}, {}), 0.5).has_value());
  EXPECT_FALSE(PercentileOf(Of({2, 1}, {1, 1, 1}), 0.5).has_value());
}

TEST(PercentileOf, HugeCountsDoNotOverflow) {
  EXPECT_DOUBLE_EQ(PercentileOf(Of({10, 20}, {UINT64_MAX, UINT64_MAX, 0}), 0.75)->us, 15);
}

TEST(CountedBetween, IsTheDifferenceOfEachBucket) {
  const std::optional<proto::Histogram> between =
      CountedBetween(Of({10, 20}, {5, 5, 1}), Of({10, 20}, {5, 9, 2}));
  ASSERT_TRUE(between.has_value());
  EXPECT_EQ(between->counts(0), 0u);
  EXPECT_EQ(between->counts(1), 4u);
  EXPECT_EQ(between->counts(2), 1u);
}

TEST(CountedBetween, ServersThatAreNotTheSameHaveNothingBetweenThem) {
  EXPECT_FALSE(CountedBetween(Of({10}, {5, 5}), Of({10}, {9, 4})).has_value());
  EXPECT_FALSE(CountedBetween(Of({10}, {5, 5}), Of({11}, {5, 5})).has_value());
  EXPECT_FALSE(CountedBetween({}, Of({11}, {5, 5})).has_value());
  EXPECT_FALSE(CountedBetween(Of({11}, {5, 5}), {}).has_value());
}

TEST(PercentileText, HasThreeDigits) {
  const auto text = [](double us) { return PercentileText(Percentile{us}); };
  EXPECT_EQ(text(0), "0us");
  EXPECT_EQ(text(850.4), "850us");
  EXPECT_EQ(text(999.6), "1.00ms");
  EXPECT_EQ(text(1'234), "1.23ms");
  EXPECT_EQ(text(45'678), "45.7ms");
  EXPECT_EQ(text(99'960), "100ms");
  EXPECT_EQ(text(999'600), "1.00s");
  EXPECT_EQ(text(7'891'000), "7.89s");
  EXPECT_EQ(text(119'000'000), "119s");
  EXPECT_EQ(text(125'000'000), "2m05s");
  EXPECT_EQ(PercentileText(std::nullopt), "-");
}

TEST(PercentilesText, NamesFour) {
  EXPECT_EQ(PercentilesText(Of({1000}, {1000, 0})), "p50 500us  p90 900us  p99 990us  p99.9 999us");
  EXPECT_EQ(PercentilesText({}), "p50 -  p90 -  p99 -  p99.9 -");
  EXPECT_EQ(Text(Of({1000}, {1000, 0}), 0.1), "100us");
}

}  // namespace
}  // namespace windlass
