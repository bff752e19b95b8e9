#include "master/pool_scaler.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(100);

PoolConfig FromTo(int min, int max) {
  PoolConfig pool;
  pool.min = min;
  pool.max = max;
  pool.grow_after = absl::Milliseconds(50);
  pool.shrink_after = absl::Seconds(10);
  return pool;
}

// A pool that does what it is told, at once.
class PoolScalerTest : public testing::Test {
 protected:
  explicit PoolScalerTest(PoolConfig config = FromTo(1, 40)) : scaler_(config) {}

  // One look, a tick later.
  int Look(PoolActivity activity) {
    now_ = now_ + kTick;

    wanted_ = scaler_.Next(wanted_, ready_ < 0 ? wanted_ : ready_, activity, now_);
    return wanted_;
  }
  PoolActivity Busy(uint64_t waiting, uint64_t done = 0) {
    return {static_cast<uint32_t>(wanted_), waiting, done};
  }
  PoolActivity Idle(int running) { return {static_cast<uint32_t>(running), 0, 0}; }

  PoolScaler scaler_;
  Instant now_{1'000'000'000'000};
  int wanted_ = 1, ready_ = -1;
};

TEST_F(PoolScalerTest, GrowsFasterAndFasterWhileJobsWaitAndNoFurtherThanMax) {
  std::vector<int> sizes;
  for (int i = 0; i < 14; ++i) sizes.push_back(Look(Busy(100)));
  // Each time it takes one look to see that they wait, and one that they have waited.
  EXPECT_EQ(sizes, (std::vector<int>{1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32, 40, 40, 40}));
}

TEST_F(PoolScalerTest, AJobThatHasWaitedInAWorkerIsEnough) {
  PoolActivity activity = Busy(1);
  activity.oldest = now_;
  EXPECT_EQ(Look(activity), 2);
}

TEST_F(PoolScalerTest, WaitsForThoseAskedFor) {
  ready_ = 1;
  Look(Busy(100));
  ASSERT_EQ(Look({1, 100, 0}), 2);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Look({1, 100, 0}), 2);
}

TEST_F(PoolScalerTest, AQueueThatMovesFastIsNoWait) {
  uint64_t done = 0;
  for (int i = 0; i < 50; ++i) {
    // 100 jobs a tick: three that wait will have to for 3 ms.
    done += 100;
    EXPECT_EQ(Look(Busy(3, done)), 1);
  }
  // The same rate, and 60 that wait: 60 ms.
  done += 100;
  EXPECT_EQ(Look(Busy(60, done)), 2);
}

TEST_F(PoolScalerTest, AStallAfterLongHealthyWorkIsSeen) {
  uint64_t done = 0;
  for (int i = 0; i < 10'000; ++i) Look(Busy(3, done += 100));
  ASSERT_EQ(wanted_, 1);
  for (int i = 0; i < 15; ++i) Look(Busy(3, done));
  EXPECT_GT(wanted_, 1);
}

TEST_F(PoolScalerTest, ProcessesThatComeAndGoDoNotCountAsWork) {
  PoolActivity activity = Busy(3, 1'000'000);
  for (int i = 0; i < 50; ++i) {
    activity.done += 100;
    // A successor in a slot that has done little, or much.
    if (i % 5 == 0) activity.done = i % 2 == 0 ? 1'000 : 9'000'000;
    if (i % 5 == 0) ++activity.members;
    EXPECT_EQ(Look(activity), 1) << i;
  }
}

TEST_F(PoolScalerTest, BeginsWithSmallStepsAgainAfterARest) {
  for (int i = 0; i < 6; ++i) Look(Busy(100));
  ASSERT_EQ(wanted_, 8);
  Look(Idle(0));
  Look(Busy(100));
  EXPECT_EQ(Look(Busy(100)), 9);
}

TEST_F(PoolScalerTest, HalfOfThoseThatNeverHadAnythingToDoEnd) {
  wanted_ = 20;
  std::vector<int> sizes;
  for (int second = 0; second < 61; ++second) {
    for (int i = 0; i < 10; ++i) Look(Idle(second % 5 == 0 && i == 3 ? 4 : 1));
    if (second % 10 == 0) sizes.push_back(wanted_);
  }
  // Four were needed now and then: they stay.
  EXPECT_EQ(sizes, (std::vector<int>{20, 12, 8, 6, 5, 4, 4}));
}

TEST_F(PoolScalerTest, ShrinksToMinAndNoFurther) {
  PoolScaler scaler(FromTo(3, 40));
  int wanted = 10;
  for (int i = 0; i < 1000; ++i) {
    now_ = now_ + kTick;
    wanted = scaler.Next(wanted, wanted, {}, now_);
  }
  EXPECT_EQ(wanted, 3);
}

TEST_F(PoolScalerTest, ComesBackIntoItsBounds) {
  PoolScaler scaler(FromTo(3, 5));
  EXPECT_EQ(scaler.Next(9, 9, {}, now_), 5);
  EXPECT_EQ(scaler.Next(1, 1, {}, now_), 3);
}

TEST_F(PoolScalerTest, JobsThatNobodyTakesWhileOthersAreIdleAreNoReason) {
  wanted_ = 4;  // just sent: a process is about to take it
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Look({3, 1, 0}), 4);
}

}  // namespace
}  // namespace windlass
