#include "master/recycle_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace windlass {
namespace {

constexpr Instant kStart{1'000'000'000'000};

RecyclePolicy Policy(uint64_t jobs, absl::Duration age, uint64_t memory) {
  RecyclePolicy policy;
  policy.max_jobs = jobs;
  policy.max_age = age;
  policy.max_memory_bytes = memory;
  return policy;
}

TEST(RecycleLimits, AProcessWithoutLimitsIsNeverDue) {
  const RecycleLimits limits = LimitsFor({}, kStart, 12345, 7);
  EXPECT_EQ(limits.jobs, UINT64_MAX);
  EXPECT_EQ(limits.age, Instant::Never());
  EXPECT_EQ(limits.memory_bytes, UINT64_MAX);
  EXPECT_EQ(WhyRecycle(limits, kStart + absl::Hours(100'000), UINT64_MAX - 1, UINT64_MAX - 1), "");
}

TEST(RecycleLimits, TakeOffUpToATenthAndNeverAddAnything) {
  const RecyclePolicy policy = Policy(1000, absl::Hours(1), 1 << 30);
  for (uint64_t seed = 0; seed < 10'000; ++seed) {
    const RecycleLimits limits = LimitsFor(policy, kStart, 0, seed);
    ASSERT_GE(limits.jobs, 900u);
    ASSERT_LE(limits.jobs, 1000u);
    ASSERT_GE(limits.age, kStart + absl::Minutes(54));
    ASSERT_LE(limits.age, kStart + absl::Hours(1));
    ASSERT_GE(limits.memory_bytes, (uint64_t{1} << 30) / 10 * 9);
    ASSERT_LE(limits.memory_bytes, uint64_t{1} << 30);
  }
}

TEST(RecycleLimits, ProcessesThatStartedTogetherDoNotEndTogether) {
  const RecyclePolicy policy = Policy(0, absl::Hours(10), 0);
  std::vector<int64_t> ends;
  for (uint64_t seed = 100; seed < 164; ++seed) {
    ends.push_back(LimitsFor(policy, kStart, 0, seed).age.ns);
  }
  std::sort(ends.begin(), ends.end());
  EXPECT_EQ(std::set<int64_t>(ends.begin(), ends.end()).size(), ends.size());
  // Spread over the hour: no tenth of it has more than a quarter of them.
  for (size_t i = 0; i + 16 < ends.size(); ++i) {
    EXPECT_GT(ends[i + 16] - ends[i], absl::ToInt64Nanoseconds(absl::Minutes(6)));
  }
}

TEST(RecycleLimits, TheSameProcessHasTheSameLimitsEveryTime) {
  const RecyclePolicy policy = Policy(1000, absl::Hours(1), 1 << 30);
  EXPECT_EQ(LimitsFor(policy, kStart, 5, 3).jobs, LimitsFor(policy, kStart, 5, 3).jobs);
  EXPECT_EQ(LimitsFor(policy, kStart, 5, 3).age, LimitsFor(policy, kStart, 5, 3).age);
}

TEST(RecycleLimits, JobsOfAFormerProcessInTheSlotDoNotCount) {
  const RecycleLimits limits = LimitsFor(Policy(100, absl::InfiniteDuration(), 0), kStart, 5000, 1);
  EXPECT_EQ(WhyRecycle(limits, kStart, 5089, 0), "");
  EXPECT_EQ(WhyRecycle(limits, kStart, 5100, 0), "max_jobs");
}

TEST(RecycleLimits, TheSmallestLimitsThereAreStillAllowSomething) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const RecycleLimits limits = LimitsFor(Policy(1, absl::InfiniteDuration(), 1), kStart, 0, seed);
    EXPECT_EQ(limits.jobs, 1u);
    EXPECT_EQ(limits.memory_bytes, 1u);
    EXPECT_EQ(WhyRecycle(limits, kStart, 0, 0), "") << "it would be replaced before its first job";
  }
}

TEST(RecycleLimits, TheLargestLimitsThereAreDoNotOverflow) {
  const RecycleLimits limits =
      LimitsFor(Policy(INT32_MAX, absl::Hours(24 * 365 * 100), uint64_t{1} << 62), kStart,
                uint64_t{1} << 40, 3);
  EXPECT_GT(limits.jobs, uint64_t{1} << 40);
  EXPECT_GT(limits.age, kStart);
  EXPECT_GT(limits.memory_bytes, uint64_t{1} << 61);
}

TEST(WhyRecycle, NamesTheLimitThatWasReached) {
  RecycleLimits limits;
  limits.jobs = 10;
  limits.age = kStart + absl::Seconds(60);
  limits.memory_bytes = 1000;
  const Instant young = kStart + absl::Seconds(59);
  EXPECT_EQ(WhyRecycle(limits, young, 9, 999), "");
  EXPECT_EQ(WhyRecycle(limits, young, 10, 999), "max_jobs");
  EXPECT_EQ(WhyRecycle(limits, kStart + absl::Seconds(60), 9, 999), "max_age");
  EXPECT_EQ(WhyRecycle(limits, young, 9, 1000), "max_memory");
}

TEST(MostReplacedAtOnce, IsOneInSmallPoolsAndATenthOfLargeOnes) {
  EXPECT_EQ(MostReplacedAtOnce(0), 1);
  EXPECT_EQ(MostReplacedAtOnce(1), 1);
  EXPECT_EQ(MostReplacedAtOnce(19), 1);
  EXPECT_EQ(MostReplacedAtOnce(20), 2);
  EXPECT_EQ(MostReplacedAtOnce(1024), 102);
}

}  // namespace
}  // namespace windlass
