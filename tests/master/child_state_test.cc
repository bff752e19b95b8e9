#include "master/child_state.h"

#include <gtest/gtest.h>

#include <vector>

namespace windlass {
namespace {

constexpr ChildEvent kEvents[] = {ChildEvent::kSpawnDue, ChildEvent::kReady, ChildEvent::kExited,
                                  ChildEvent::kDeadline, ChildEvent::kDrain};

// Where a life of events leads, from the beginning, and the last action on the way.
ChildDecision After(std::vector<ChildEvent> events) {
  ChildDecision decision{ChildState::kWaiting};
  for (ChildEvent event : events) decision = DecideChild(decision.next, event);
  return decision;
}

TEST(ChildState, UsualLifeIsSpawnReadyDrainGone) {
  EXPECT_EQ(After({ChildEvent::kSpawnDue}).action, ChildAction::kSpawn);
  EXPECT_EQ(After({ChildEvent::kSpawnDue, ChildEvent::kReady}).next, ChildState::kServing);
  EXPECT_EQ(After({ChildEvent::kSpawnDue, ChildEvent::kReady, ChildEvent::kDrain}).action,
            ChildAction::kTellDrain);
  EXPECT_EQ(
      After({ChildEvent::kSpawnDue, ChildEvent::kReady, ChildEvent::kDrain, ChildEvent::kExited})
          .next,
      ChildState::kGone);
}

TEST(ChildState, DeadChildrenAreReplacedUnlessTheyWereToldToGo) {
  for (ChildState state : {ChildState::kStarting, ChildState::kServing, ChildState::kKilled}) {
    EXPECT_EQ(DecideChild(state, ChildEvent::kExited).action, ChildAction::kReschedule)
        << ChildStateName(state);
  }
  for (ChildState state : {ChildState::kDraining, ChildState::kEnding}) {
    EXPECT_EQ(DecideChild(state, ChildEvent::kExited).next, ChildState::kGone)
        << ChildStateName(state);
  }
}

TEST(ChildState, OneThatNeverBecomesReadyIsKilledAtItsDeadlineAndReplaced) {
  EXPECT_EQ(After({ChildEvent::kSpawnDue, ChildEvent::kDeadline}).action, ChildAction::kKill);
  EXPECT_EQ(After({ChildEvent::kSpawnDue, ChildEvent::kDeadline, ChildEvent::kExited}).action,
            ChildAction::kReschedule);
}

TEST(ChildState, OneThatDoesNotDrainInTimeIsKilledAndNotReplaced) {
  const std::vector<ChildEvent> life = {ChildEvent::kSpawnDue, ChildEvent::kReady,
                                        ChildEvent::kDrain, ChildEvent::kDeadline};
  EXPECT_EQ(After(life).action, ChildAction::kKill);
  EXPECT_EQ(After(life).next, ChildState::kEnding);
}

TEST(ChildState, AServingChildHasNoDeadline) {
  EXPECT_EQ(DecideChild(ChildState::kServing, ChildEvent::kDeadline).next, ChildState::kServing);
}

TEST(ChildState, GoneIsForEver) {
  for (ChildEvent event : kEvents)
    EXPECT_EQ(DecideChild(ChildState::kGone, event).next, ChildState::kGone);
}

TEST(ChildState, DrainLeadsToTheEndFromEveryState) {
  for (ChildState state : {ChildState::kWaiting, ChildState::kStarting, ChildState::kServing,
                           ChildState::kKilled, ChildState::kDraining, ChildState::kEnding}) {
    const ChildState draining = DecideChild(state, ChildEvent::kDrain).next;
    EXPECT_EQ(DecideChild(draining, ChildEvent::kExited).next, ChildState::kGone)
        << ChildStateName(state);
  }
}

}  // namespace
}  // namespace windlass
