#include "worker/io/conn_state.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace windlass {
namespace {

constexpr ConnState kAll[] = {ConnState::kReadingFrames,  ConnState::kReceivingContent,
                              ConnState::kAwaitingMemory, ConnState::kSkippingContent,
                              ConnState::kAtLimit,        ConnState::kHalfClosed,
                              ConnState::kFinishing,      ConnState::kQuiescing,
                              ConnState::kMoving,         ConnState::kLingering,
                              ConnState::kClosed};
static_assert(std::size(kAll) == static_cast<size_t>(ConnState::kClosed) + 1);

using States = std::vector<ConnState>;

States ThatCanEnter(ConnState to) {
  States from;
  for (ConnState state : kAll) {
    if (CanEnter(state, to)) from.push_back(state);
  }
  return from;
}
States ThatFollow(ConnState from) {
  States to;
  for (ConnState state : kAll) {
    if (CanEnter(from, state)) to.push_back(state);
  }
  return to;
}

TEST(ConnState, EachHasANameOfItsOwn) {
  std::set<std::string> names;
  for (ConnState state : kAll) {
    EXPECT_FALSE(ConnStateName(state).empty());
    names.emplace(ConnStateName(state));
  }
  EXPECT_EQ(names.size(), std::size(kAll));
}

TEST(ConnState, EveryStateButClosedCanClose) {
  for (ConnState state : kAll)
    EXPECT_EQ(CanEnter(state, ConnState::kClosed), state != ConnState::kClosed);
}

TEST(ConnState, ClosedIsForEver) { EXPECT_EQ(ThatFollow(ConnState::kClosed), States{}); }

TEST(ConnState, NoStateFollowsItself) {
  for (ConnState state : kAll) EXPECT_FALSE(CanEnter(state, state)) << ConnStateName(state);
}

TEST(ConnState, NothingIsReadAgainAfterTheLastRequest) {
  for (ConnState from : {ConnState::kHalfClosed, ConnState::kFinishing, ConnState::kLingering}) {
    EXPECT_FALSE(CanEnter(from, ConnState::kReadingFrames));
    EXPECT_FALSE(CanEnter(from, ConnState::kReceivingContent));
  }
}

TEST(ConnState, OneQuiescesFromWhereRequestsAreTakenOrWhenTheMoveWasRefused) {
  EXPECT_EQ(
      ThatCanEnter(ConnState::kQuiescing),
      (States{ConnState::kReadingFrames, ConnState::kReceivingContent, ConnState::kAwaitingMemory,
              ConnState::kSkippingContent, ConnState::kAtLimit, ConnState::kMoving}));
}

TEST(ConnState, OnlyWhatTakesNoRequestsMoves) {
  EXPECT_EQ(ThatCanEnter(ConnState::kMoving),
            (States{ConnState::kHalfClosed, ConnState::kFinishing, ConnState::kQuiescing}));
}

TEST(ConnState, ARefusedMoveGoesBackToWhereItCameFrom) {
  for (ConnState before : ThatCanEnter(ConnState::kMoving))
    EXPECT_TRUE(CanEnter(ConnState::kMoving, before)) << ConnStateName(before);
  EXPECT_EQ(ThatFollow(ConnState::kMoving), (States{ConnState::kHalfClosed, ConnState::kFinishing,
                                                    ConnState::kQuiescing, ConnState::kClosed}));
}

TEST(ConnState, WhatIsMovedNeverShutsItsSideOfTheConnection) {
  EXPECT_FALSE(CanEnter(ConnState::kMoving, ConnState::kLingering));
}

TEST(ConnState, AQuiescedOneCanTakeRequestsAgainOrEndWithItsAnswers) {
  EXPECT_EQ(ThatFollow(ConnState::kQuiescing),
            (States{ConnState::kReadingFrames, ConnState::kSkippingContent, ConnState::kFinishing,
                    ConnState::kMoving, ConnState::kLingering, ConnState::kClosed}));
}

TEST(ConnInterest, ReadsOnlyWhereBytesAreWanted) {
  EXPECT_EQ(ConnInterest(ConnState::kReadingFrames, false), kReadable);
  EXPECT_EQ(ConnInterest(ConnState::kAtLimit, false), 0u);
  EXPECT_EQ(ConnInterest(ConnState::kHalfClosed, false), 0u)
      << "the end of the stream would be reported for ever";
  EXPECT_EQ(ConnInterest(ConnState::kQuiescing, false), 0u)
      << "what is not read here is read by the other worker";
  EXPECT_EQ(ConnInterest(ConnState::kLingering, false), kReadable);
}

TEST(ConnInterest, WatchesForRoomOnlyWhileOutputIsBlocked) {
  EXPECT_EQ(ConnInterest(ConnState::kReadingFrames, true), kReadable | kWritable);
  EXPECT_EQ(ConnInterest(ConnState::kFinishing, true), kWritable);
  EXPECT_EQ(ConnInterest(ConnState::kQuiescing, true), kWritable);
}

TEST(ConnInterest, OfOneThatMovesOrIsClosedIsNothingAtAll) {
  for (const bool output_blocked : {false, true}) {
    EXPECT_EQ(ConnInterest(ConnState::kMoving, output_blocked), 0u);
    EXPECT_EQ(ConnInterest(ConnState::kClosed, output_blocked), 0u);
  }
}

}  // namespace
}  // namespace windlass
