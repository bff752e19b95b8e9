#include "master/blocked_answers.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

constexpr Instant At(int64_t ms) { return Instant{ms * 1'000'000}; }
bool Nowhere(uint32_t) { return false; }
bool Everywhere(uint32_t) { return true; }

TEST(BlockedAnswers, ThereIsNothingToDoUntilSomethingDoesNotFit) {
  BlockedAnswers blocked;
  EXPECT_FALSE(blocked.any());
  EXPECT_EQ(blocked.TakeThoseWithRoom(Everywhere), 0u);
  blocked.Note(3);
  EXPECT_TRUE(blocked.any());
}

TEST(BlockedAnswers, PoolsWithRoomAreTakenOnce) {
  BlockedAnswers blocked;
  for (const uint32_t pool : {0u, 2u, 7u}) blocked.Note(pool);
  EXPECT_EQ(blocked.TakeThoseWithRoom([](uint32_t pool) { return pool == 2; }), 1u << 2);
  EXPECT_TRUE(blocked.any());
  EXPECT_EQ(blocked.TakeThoseWithRoom(Everywhere), 1u | 1u << 7);
  EXPECT_FALSE(blocked.any());
}

TEST(BlockedAnswers, AWorkerThatDoesNothingForASecondIsStuck) {
  BlockedAnswers blocked;
  blocked.Note(0);
  EXPECT_FALSE(blocked.IsStuck(5, At(1000)));
  EXPECT_FALSE(blocked.IsStuck(5, At(1999)));
  EXPECT_TRUE(blocked.IsStuck(5, At(2000)));
}

// What has filled its channel may be a flood.
TEST(BlockedAnswers, AWorkerThatGoesOnIsNot) {
  BlockedAnswers blocked;
  blocked.Note(0);
  for (int64_t second = 1; second < 100; ++second) {
    EXPECT_FALSE(blocked.IsStuck(static_cast<uint64_t>(second), At(second * 1000))) << second;
  }
  EXPECT_FALSE(blocked.IsStuck(99, At(99'999)));
  EXPECT_TRUE(blocked.IsStuck(99, At(100'000)));
}

TEST(BlockedAnswers, TheSecondBeginsAnewWhenThereWasRoom) {
  BlockedAnswers blocked;
  blocked.Note(0);
  EXPECT_FALSE(blocked.IsStuck(5, At(1000)));
  EXPECT_EQ(blocked.TakeThoseWithRoom(Nowhere), 0u);
  EXPECT_EQ(blocked.TakeThoseWithRoom(Everywhere), 1u);
  blocked.Note(0);
  EXPECT_FALSE(blocked.IsStuck(5, At(9000)));
  EXPECT_TRUE(blocked.IsStuck(5, At(10'000)));
}

}  // namespace
}  // namespace windlass
