#include "worker/io/fence.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

JobId Job(uint64_t sequence) { return JobId::Make(SlotIndex{0}, 1, sequence); }

constexpr uint32_t kGeneration = 7;
constexpr uint32_t kPool = 2;

class FenceTest : public testing::Test {
 protected:
  FenceTest() : board_(*Scoreboard::Create(1, 3)) {
    board_.MutableHeader().pool_slots_used = 3;
    Set(1, kSlotIdle);
    Set(2, kSlotIdle);
  }
  void Set(uint32_t slot, uint64_t job) {
    ProcessSlot& process = board_.MutableSlot(SlotIndex{slot});
    board_.MutableAssignment(SlotIndex{slot}).generation.store(kGeneration);
    board_.MutableAssignment(SlotIndex{slot}).pool.store(kPool);
    process.pid.store(static_cast<int32_t>(100 + slot));
    process.job.store(job);
  }
  void Send(uint64_t sequence) {
    fence_.Request("was killed by SIGKILL");
    fence_.OnSent(Job(sequence), sequence);
    fence_.OnReceived();
  }

  Scoreboard board_;
  Fence fence_;
};

TEST_F(FenceTest, OlderJobsThatNobodyNamesAreLostAndTheOthersAreNot) {
  Set(1, Job(5).word());
  Send(10);
  ASSERT_TRUE(fence_.Sample(board_, kGeneration, kPool));
  EXPECT_TRUE(fence_.Lost(Job(4), 4));
  EXPECT_FALSE(fence_.Lost(Job(5), 5)) << "a live process runs it";
  EXPECT_FALSE(fence_.Lost(Job(11), 11)) << "sent after the fence: it may still be in the queue";
}

TEST_F(FenceTest, GivesNoVerdictWhileAProcessMayHaveTakenAJobWithoutSayingWhich) {
  Set(2, kSlotReceiving);
  Send(10);
  EXPECT_FALSE(fence_.Sample(board_, kGeneration, kPool));
  Set(2, Job(3).word());
  ASSERT_TRUE(fence_.Sample(board_, kGeneration, kPool));
  EXPECT_FALSE(fence_.Lost(Job(3), 3));
}

TEST_F(FenceTest, OneLookOutsideReceivingIsEnoughForEachProcess) {
  Set(1, Job(3).word());
  Set(2, kSlotReceiving);
  Send(10);
  EXPECT_FALSE(fence_.Sample(board_, kGeneration, kPool));
  Set(1, kSlotReceiving);  // it has gone on: whatever it takes now is younger than the fence
  Set(2, kSlotIdle);
  ASSERT_TRUE(fence_.Sample(board_, kGeneration, kPool));
  EXPECT_FALSE(fence_.Lost(Job(3), 3)) << "it was named when it was looked at";
}

TEST_F(FenceTest, TheQueuesOrderCountsAndNotTheOrderInWhichIdsWereGivenOut) {
  fence_.Request("was killed by SIGKILL");
  fence_.OnSent(Job(20), 5);
  fence_.OnReceived();
  ASSERT_TRUE(fence_.Sample(board_, kGeneration, kPool));
  EXPECT_FALSE(fence_.Lost(Job(10), 6)) << "it waited in the backlog and was sent behind the fence";
  EXPECT_TRUE(fence_.Lost(Job(11), 4));
}

TEST_F(FenceTest, DeadProcessesAndWorkersAreNotWaitedFor) {
  Set(2, kSlotIdle);  // what the master makes of a dead process's word
  board_.MutableSlot(SlotIndex{0}).role.store(Role::kWorker);
  board_.MutableSlot(SlotIndex{0}).pid.store(7);
  board_.MutableSlot(SlotIndex{0}).job.store(kSlotReceiving);
  Send(10);
  EXPECT_TRUE(fence_.Sample(board_, kGeneration, kPool));
}

TEST_F(FenceTest, TheProcessesOfAnotherGenerationHaveAnotherQueue) {
  Set(3, kSlotReceiving);
  board_.MutableAssignment(SlotIndex{3}).generation.store(kGeneration + 1);
  Send(10);
  EXPECT_TRUE(fence_.Sample(board_, kGeneration, kPool));
}

TEST_F(FenceTest, TheProcessesOfAnotherPoolHaveAnotherQueue) {
  Set(3, kSlotReceiving);
  board_.MutableAssignment(SlotIndex{3}).pool.store(kPool + 1);
  Send(10);
  EXPECT_TRUE(fence_.Sample(board_, kGeneration, kPool));
}

TEST_F(FenceTest, WhatAProcessSaysItIsDoesNotMakeOthersWait) {
  Set(3, kSlotReceiving);
  board_.MutableAssignment(SlotIndex{3}).pool.store(kPool + 1);
  board_.MutableSlot(SlotIndex{3}).role.store(Role::kPool);
  board_.MutableSlot(SlotIndex{3}).generation.store(kGeneration);
  Send(10);
  EXPECT_TRUE(fence_.Sample(board_, kGeneration, kPool));
}

TEST_F(FenceTest, ALaterDeathStartsItAnew) {
  fence_.Request("first");
  fence_.OnSent(Job(10), 10);
  fence_.Request("second");
  EXPECT_EQ(fence_.state(), Fence::State::kToSend);
  EXPECT_EQ(fence_.cause(), "second");
}

}  // namespace
}  // namespace windlass
