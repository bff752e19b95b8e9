#include "worker/io/credit.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

TEST(PrefetchFor, IsAMillisecondOfWorkWithinItsBounds) {
  EXPECT_EQ(PrefetchFor(1e6 / 10), 10);
  EXPECT_EQ(PrefetchFor(1), kMaxPrefetch);
  EXPECT_EQ(PrefetchFor(5e6), kMinPrefetch);
}

TEST(PrefetchFor, AssumesTheWorstOfAHandlerThatWasNeverMeasured) {
  EXPECT_EQ(PrefetchFor(0), kMinPrefetch);
}

TEST(JobsAllowedOut, AreSharedByHowManyClientsWaitForAWorker) {
  EXPECT_EQ(JobsAllowedOut(2, 2, 7, 7, false), 4);
  EXPECT_EQ(JobsAllowedOut(2, 2, 5, 10, false), 2);
  EXPECT_EQ(JobsAllowedOut(2, 64, 1, 2, false), 33);
  EXPECT_EQ(JobsAllowedOut(2, 6, 1, 8, false), 1);
  EXPECT_EQ(JobsAllowedOut(2, 6, 6, 8, false), 6);
}

TEST(JobsAllowedOut, AreRoundedAndOneMoreWhereTheOldestJobWaits) {
  EXPECT_EQ(JobsAllowedOut(4, 2, 45, 100, false), 3) << "2.7";
  EXPECT_EQ(JobsAllowedOut(4, 2, 55, 100, false), 3) << "3.3";
  EXPECT_EQ(JobsAllowedOut(4, 2, 55, 100, true), 4);
  EXPECT_EQ(JobsAllowedOut(4, 2, 45, 100, true), 3) << "has been rounded up";
  EXPECT_EQ(JobsAllowedOut(4, 2, 50, 100, true), 3) << "is whole";
}

TEST(JobsAllowedOut, IsAtLeastOneSoThatAReplyAlwaysComes) {
  EXPECT_EQ(JobsAllowedOut(1, 2, 1, 64, false), 1);
  EXPECT_EQ(JobsAllowedOut(1, 2, 1, 1000, true), 1);
}

TEST(RunTimes, FollowEachHandlerByItself) {
  RunTimes times(2);
  EXPECT_EQ(times.mean_ns(0), 0);
  times.Add(0, 800);
  EXPECT_EQ(times.mean_ns(0), 800);
  times.Add(0, 1600);
  EXPECT_EQ(times.mean_ns(0), 900);
  EXPECT_EQ(times.mean_ns(1), 0);
  for (int i = 0; i < 100; ++i) times.Add(0, 5'000'000);
  EXPECT_NEAR(times.mean_ns(0), 5e6, 5e4);
}

}  // namespace
}  // namespace windlass
