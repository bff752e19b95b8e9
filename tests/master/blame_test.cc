#include "master/blame.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace windlass {
namespace {

JobsEnd BySignal(int signal) { return {{/*exited=*/false, signal}, false, false, true}; }
JobsEnd ByExit(int code) { return {{/*exited=*/true, code}, false, false, true}; }

constexpr Blame kNone = {false, false}, kRetry = {true, false}, kRetryAndCount = {true, true};

TEST(Blame, SignalsThatAProcessBringsOnItselfAreRetriedAndCount) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP}) {
    EXPECT_EQ(BlameFor(BySignal(signal)), kRetryAndCount) << signal;
  }
}

TEST(Blame, AnExitInTheMiddleOfAJobIsRetriedAndCountsWhateverItsCode) {
  EXPECT_EQ(BlameFor(ByExit(0)), kRetryAndCount);
  EXPECT_EQ(BlameFor(ByExit(3)), kRetryAndCount);
  EXPECT_EQ(BlameFor(ByExit(SIGKILL)), kRetryAndCount);
}

TEST(Blame, SignalsFromStrangersAreRetriedAndDoNotCount) {
  for (const int signal : {SIGKILL, SIGTERM, SIGINT, SIGUSR1}) {
    EXPECT_EQ(BlameFor(BySignal(signal)), kRetry) << signal;
  }
}

TEST(Blame, WhatTheMasterKilledIsNeitherRetriedNorCounted) {
  // Also when it crashed in the moment before.
  for (const int signal : {SIGKILL, SIGSEGV}) {
    JobsEnd end = BySignal(signal);
    end.killed_by_master = true;
    EXPECT_EQ(BlameFor(end), kNone) << signal;
  }
}

TEST(Blame, AKillForMemoryIsNeitherRetriedNorCounted) {
  JobsEnd end = BySignal(SIGKILL);
  end.out_of_memory = true;
  EXPECT_EQ(BlameFor(end), kNone);
}

TEST(Blame, APayloadThatNoHandlerHasSeenIsNotSuspected) {
  for (JobsEnd end : {BySignal(SIGSEGV), ByExit(1)}) {
    end.handler_had_begun = false;
    EXPECT_EQ(BlameFor(end), kRetry);
  }
}

}  // namespace
}  // namespace windlass
