#include "worker/io/conn_state.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

constexpr ConnState kAll[] = {
    ConnState::kReadingFrames,   ConnState::kReceivingContent, ConnState::kAwaitingMemory,
    ConnState::kSkippingContent, ConnState::kAtLimit,          ConnState::kHalfClosed,
    ConnState::kFinishing,       ConnState::kLingering,        ConnState::kClosed};

TEST(ConnState, EveryStateButClosedCanClose) {
  for (ConnState state : kAll)
    EXPECT_EQ(CanEnter(state, ConnState::kClosed), state != ConnState::kClosed);
}

TEST(ConnState, NoStateFollowsItself) {
  for (ConnState state : kAll) EXPECT_FALSE(CanEnter(state, state)) << ConnStateName(state);
}

TEST(ConnState, NothingIsReadAgainAfterTheLastRequest) {
  for (ConnState from : {ConnState::kHalfClosed, ConnState::kFinishing, ConnState::kLingering}) {
    EXPECT_FALSE(CanEnter(from, ConnState::kReadingFrames));
    EXPECT_FALSE(CanEnter(from, ConnState::kReceivingContent));
  }
}

TEST(ConnInterest, ReadsOnlyWhereBytesAreWanted) {
  EXPECT_EQ(ConnInterest(ConnState::kReadingFrames, false), kReadable);
  EXPECT_EQ(ConnInterest(ConnState::kAtLimit, false), 0u);
  EXPECT_EQ(ConnInterest(ConnState::kHalfClosed, false), 0u)
      << "the end of the stream would be reported for ever";
  EXPECT_EQ(ConnInterest(ConnState::kLingering, false), kReadable);
}

TEST(ConnInterest, WatchesForRoomOnlyWhileOutputIsBlocked) {
  EXPECT_EQ(ConnInterest(ConnState::kReadingFrames, true), kReadable | kWritable);
  EXPECT_EQ(ConnInterest(ConnState::kFinishing, true), kWritable);
}

}  // namespace
}  // namespace windlass
