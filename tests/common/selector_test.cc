#include "common/selector.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/posix.h"
#include "tests/common/socket_pairs.h"
#include "windlass/owned_fd.h"

namespace windlass {
namespace {

// One conformance suite: whatever is true of one back end is true of the other.
class SelectorTest : public testing::TestWithParam<SelectorKind> {
 protected:
  SelectorTest() : selector_(Selector::Create(GetParam()).value()) {}

  void Register(const OwnedFd& fd, uint32_t interest, uint64_t token) {
    ASSERT_TRUE(selector_->Register(fd.get(), interest, SelectorToken{token}).ok());
  }
  void Modify(const OwnedFd& fd, uint32_t interest) {
    ASSERT_TRUE(selector_->Modify(fd.get(), interest).ok());
  }

  // One turn: what was seen, by token.
  std::map<uint64_t, uint32_t> Turn(int timeout_ms = 0) {
    const auto ready = selector_->Select(timeout_ms);
    EXPECT_TRUE(ready.ok()) << ready.status();
    std::map<uint64_t, uint32_t> seen;
    for (const Ready& one : *ready) {
      EXPECT_TRUE(seen.emplace(one.token.value, one.events).second)
          << "token " << one.token.value << " came twice in one turn";
    }
    return seen;
  }
  // The events of the only descriptor that is ready, which must be `token`; 0 when none is.
  uint32_t EventsOf(uint64_t token) {
    const std::map<uint64_t, uint32_t> seen = Turn();
    if (seen.empty()) return 0;
    EXPECT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen.begin()->first, token);
    return seen.begin()->second;
  }

  const std::unique_ptr<Selector> selector_;
};

std::string KindName(const testing::TestParamInfo<SelectorKind>& info) {
  return info.param == SelectorKind::kEpoll ? "Epoll" : "Poll";
}
INSTANTIATE_TEST_SUITE_P(BackEnds, SelectorTest,
                         testing::Values(SelectorKind::kEpoll, SelectorKind::kPoll), KindName);

TEST_P(SelectorTest, WithNothingRegisteredATurnEndsAtItsTimeout) {
  EXPECT_TRUE(Turn(0).empty());
  EXPECT_TRUE(Turn(1).empty());
}

TEST_P(SelectorTest, ATimeoutIsWaitedFor) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable, 1);
  const Instant before = MonotonicNow();
  EXPECT_TRUE(Turn(20).empty());
  EXPECT_GE(MonotonicNow() - before, absl::Milliseconds(19));
}

TEST_P(SelectorTest, ANegativeTimeoutWaitsForAnEvent) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable, 1);
  Send(pair.theirs);
  EXPECT_EQ(Turn(-1), (std::map<uint64_t, uint32_t>{{1, kReadable}}));
}

TEST_P(SelectorTest, ASocketWithBytesIsReadable) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable, 7);
  EXPECT_EQ(EventsOf(7), 0u);
  Send(pair.theirs);
  EXPECT_EQ(EventsOf(7), kReadable);
}

TEST_P(SelectorTest, ReadinessIsReportedUntilItIsUsedUp) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable, 7);
  Send(pair.theirs);
  EXPECT_EQ(EventsOf(7), kReadable);
  EXPECT_EQ(EventsOf(7), kReadable);
  Receive(pair.ours);
  EXPECT_EQ(EventsOf(7), 0u);
}

TEST_P(SelectorTest, ASocketWithRoomIsWritable) {
  const Pair pair = SocketPair();
  Register(pair.ours, kWritable, 7);
  EXPECT_EQ(EventsOf(7), kWritable);
  FillSendBuffer(pair.ours);
  EXPECT_EQ(EventsOf(7), 0u);
  Drain(pair.theirs);
  EXPECT_EQ(EventsOf(7), kWritable);
}

TEST_P(SelectorTest, BothKindsOfReadinessComeTogether) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable | kWritable, 7);
  Send(pair.theirs);
  EXPECT_EQ(EventsOf(7), kReadable | kWritable);
}

TEST_P(SelectorTest, WhatIsNotAskedForIsNotReported) {
  const Pair pair = SocketPair();
  Register(pair.ours, kWritable, 7);
  Send(pair.theirs);
  EXPECT_EQ(EventsOf(7), kWritable);
}

TEST_P(SelectorTest, AHalfClosedPeerIsReadableAndNoHangup) {
  const Pair pair = TcpPair();
  Register(pair.ours, kReadable, 7);
  ShutdownWrite(pair.theirs.get());
  EXPECT_EQ(EventsOf(7), kReadable);
}

TEST_P(SelectorTest, APeerThatIsGoneIsAHangup) {
  Pair pair = SocketPair();
  Register(pair.ours, kReadable, 7);
  pair.theirs.Reset();
  EXPECT_EQ(EventsOf(7), kReadable | kHangup);
}

TEST_P(SelectorTest, AResetIsAnError) {
  Pair pair = TcpPair();
  Register(pair.ours, kReadable, 7);
  ResetConnection(&pair.theirs);
  EXPECT_EQ(EventsOf(7), kReadable | kHangup | kError);
}

TEST_P(SelectorTest, AtInterestZeroBytesAreNotReported) {
  const Pair pair = SocketPair();
  Register(pair.ours, 0, 7);
  Send(pair.theirs);
  EXPECT_EQ(EventsOf(7), 0u);
}

TEST_P(SelectorTest, AtInterestZeroAHangupIsReported) {
  Pair pair = SocketPair();
  Register(pair.ours, 0, 7);
  pair.theirs.Reset();
  EXPECT_EQ(EventsOf(7), kHangup);
}

TEST_P(SelectorTest, AtInterestZeroAResetIsReported) {
  Pair pair = TcpPair();
  Register(pair.ours, 0, 7);
  ResetConnection(&pair.theirs);
  EXPECT_EQ(EventsOf(7), kHangup | kError);
}

TEST_P(SelectorTest, AWriterWithoutAReaderSeesAnError) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  OwnedFd reader(ends[0]), writer(ends[1]);
  Register(writer, 0, 7);
  EXPECT_EQ(EventsOf(7), 0u);
  reader.Reset();
  EXPECT_EQ(EventsOf(7), kError);
}

TEST_P(SelectorTest, ModifyReplacesTheInterest) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable, 7);
  Send(pair.theirs);
  Modify(pair.ours, kWritable);
  EXPECT_EQ(EventsOf(7), kWritable);
  Modify(pair.ours, 0);
  EXPECT_EQ(EventsOf(7), 0u);
  Modify(pair.ours, kReadable);
  EXPECT_EQ(EventsOf(7), kReadable) << "the byte was there before the interest";
}

TEST_P(SelectorTest, ModifyToTheSameInterestChangesNothing) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable, 7);
  Modify(pair.ours, kReadable);
  Send(pair.theirs);
  EXPECT_EQ(EventsOf(7), kReadable);
}

TEST_P(SelectorTest, WhatIsUnregisteredIsSilent) {
  Pair pair = SocketPair();
  Register(pair.ours, kReadable, 7);
  Send(pair.theirs);
  selector_->Unregister(pair.ours.get());
  EXPECT_TRUE(Turn().empty());
  pair.theirs.Reset();
  EXPECT_TRUE(Turn().empty());
}

TEST_P(SelectorTest, AKeySaysWhatIsRegistered) {
  const Pair pair = SocketPair();
  EXPECT_EQ(selector_->Find(pair.ours.get()), nullptr);
  Register(pair.ours, kReadable, 7);
  const SelectorKey* key = selector_->Find(pair.ours.get());
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->fd, pair.ours.get());
  EXPECT_EQ(key->interest, kReadable);
  EXPECT_EQ(key->token, SelectorToken{7});
  Modify(pair.ours, kWritable);
  key = selector_->Find(pair.ours.get());
  EXPECT_EQ(key->interest, kWritable);
  EXPECT_EQ(key->token, SelectorToken{7});
  selector_->Unregister(pair.ours.get());
  EXPECT_EQ(selector_->Find(pair.ours.get()), nullptr);
}

TEST_P(SelectorTest, NoKeyIsFoundForNoDescriptor) {
  EXPECT_EQ(selector_->Find(-1), nullptr);
  EXPECT_EQ(selector_->Find(1 << 20), nullptr);
}

TEST_P(SelectorTest, ATokenIsReportedWithAllItsBits) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable, UINT64_MAX - 1);
  Send(pair.theirs);
  EXPECT_EQ(EventsOf(UINT64_MAX - 1), kReadable);
}

TEST_P(SelectorTest, ANewOwnerOfTheSameNumberIsNotTakenForTheOldOne) {
  Pair old = SocketPair();
  const Pair young = SocketPair();
  const int number = old.ours.get();
  Register(old.ours, kReadable, 1);
  Send(old.theirs);
  selector_->Unregister(number);
  old.ours.Reset();
  ASSERT_EQ(::dup3(young.ours.get(), number, O_CLOEXEC), number);
  const OwnedFd reused(number);
  Register(reused, kReadable, 2);
  EXPECT_TRUE(Turn().empty());
  Send(young.theirs);
  EXPECT_EQ(EventsOf(2), kReadable);
}

TEST_P(SelectorTest, ADescriptorMayComeBackWithAnotherToken) {
  const Pair pair = SocketPair();
  Send(pair.theirs);
  Register(pair.ours, kReadable, 1);
  selector_->Unregister(pair.ours.get());
  Register(pair.ours, kReadable, 2);
  EXPECT_EQ(EventsOf(2), kReadable);
}

TEST_P(SelectorTest, ReportsOnlyTheReadyOnesOfMany) {
  std::vector<Pair> pairs;
  for (uint64_t i = 0; i < 300; ++i) {
    pairs.push_back(SocketPair());
    Register(pairs.back().ours, kReadable, i);
  }
  for (const size_t i : {0u, 17u, 298u, 299u}) Send(pairs[i].theirs);
  EXPECT_EQ(Turn(), (std::map<uint64_t, uint32_t>{
                        {0, kReadable}, {17, kReadable}, {298, kReadable}, {299, kReadable}}));
}

TEST_P(SelectorTest, EveryOneOfManyReadyOnesHasItsTurn) {
  constexpr uint64_t kMany = 1000;
  std::vector<OwnedFd> events;
  for (uint64_t i = 0; i < kMany; ++i) {
    events.emplace_back(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    Register(events.back(), kReadable, i);
  }
  std::set<uint64_t> seen;
  for (int turn = 0; turn < 20; ++turn) {  // none is read from: all stay ready
    for (const auto& [token, ready] : Turn()) seen.insert(token);
  }
  EXPECT_EQ(seen.size(), kMany);
}

TEST_P(SelectorTest, RemovingAnyOfManyLeavesTheOthersAsTheyWere) {
  std::vector<OwnedFd> events;
  for (uint64_t i = 0; i < 60; ++i) {
    events.emplace_back(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    Register(events.back(), kReadable, i);
  }
  std::map<uint64_t, uint32_t> left;
  for (uint64_t i = 0; i < 60; ++i) left[i] = kReadable;
  for (const uint64_t gone : {0u, 59u, 30u, 1u, 58u, 31u, 2u}) {
    selector_->Unregister(events[gone].get());
    left.erase(gone);
    ASSERT_EQ(Turn(), left) << "after " << gone;
  }
}

TEST_P(SelectorTest, AnotherOneMayBeUnregisteredAndClosedWhileATurnIsHandled) {
  std::vector<Pair> pairs;
  for (uint64_t i = 0; i < 3; ++i) {
    pairs.push_back(SocketPair());
    Register(pairs[i].ours, kReadable, i);
    Send(pairs[i].theirs);
  }
  const auto ready = selector_->Select(0);
  ASSERT_TRUE(ready.ok());
  ASSERT_EQ(ready->size(), 3u);
  std::set<uint64_t> seen;
  for (const Ready& one : *ready) {
    seen.insert(one.token.value);
    if (seen.size() > 1) continue;
    for (uint64_t i = 0; i < 3; ++i) {
      if (i == one.token.value) continue;
      selector_->Unregister(pairs[i].ours.get());
      pairs[i].ours.Reset();
    }
  }
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2})) << "the turn is a copy";
  EXPECT_EQ(EventsOf(*seen.begin()) & kReadable, pairs[0].ours.valid() ? kReadable : 0u);
}

TEST_P(SelectorTest, MoreMayBeRegisteredWhileATurnIsHandled) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable, 1000);
  Send(pair.theirs);
  const auto ready = selector_->Select(0);
  ASSERT_EQ(ready->size(), 1u);
  std::vector<OwnedFd> events;
  for (uint64_t i = 0; i < 500; ++i) {
    events.emplace_back(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    Register(events.back(), kReadable, i);
  }
  EXPECT_EQ((*ready)[0].token, SelectorToken{1000});
  EXPECT_EQ((*ready)[0].events, kReadable);
}

TEST_P(SelectorTest, AnExclusiveListenerIsReportedToOneOfItsWatchersAtLeast) {
  const std::unique_ptr<Selector> other = Selector::Create(GetParam()).value();
  const OwnedFd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  Register(event, kReadable | kExclusive, 1);
  ASSERT_TRUE(other->Register(event.get(), kReadable | kExclusive, SelectorToken{2}).ok());
  ASSERT_EQ(::eventfd_write(event.get(), 1), 0);
  const size_t here = Turn().size();
  const size_t there = other->Select(0)->size();
  EXPECT_GE(here + there, 1u);
}

TEST_P(SelectorTest, AnExclusiveListenerIsUnarmedByUnregisteringAndRearmedByRegistering) {
  const OwnedFd event(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  Register(event, kReadable | kExclusive, 1);
  EXPECT_EQ(selector_->Find(event.get())->interest, kReadable | kExclusive);
  EXPECT_EQ(EventsOf(1), kReadable);
  selector_->Unregister(event.get());
  EXPECT_TRUE(Turn().empty());
  Register(event, kReadable | kExclusive, 2);
  EXPECT_EQ(EventsOf(2), kReadable);
}

using SelectorDeathTest = SelectorTest;
INSTANTIATE_TEST_SUITE_P(BackEnds, SelectorDeathTest,
                         testing::Values(SelectorKind::kEpoll, SelectorKind::kPoll), KindName);

TEST_P(SelectorDeathTest, RegisteringTwiceIsOurOwnFault) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable, 1);
  EXPECT_DEATH((void)selector_->Register(pair.ours.get(), kReadable, SelectorToken{2}),
               "registered already");
}

TEST_P(SelectorDeathTest, TouchingWhatIsNotRegisteredIsOurOwnFault) {
  const Pair pair = SocketPair();
  EXPECT_DEATH((void)selector_->Modify(pair.ours.get(), kReadable), "not registered");
  EXPECT_DEATH(selector_->Unregister(pair.ours.get()), "not registered");
}

TEST_P(SelectorDeathTest, ModifyingAnExclusiveListenerIsOurOwnFault) {
  const Pair pair = SocketPair();
  Register(pair.ours, kReadable | kExclusive, 1);
  EXPECT_DEATH((void)selector_->Modify(pair.ours.get(), 0), "CHECK failed");
}

}  // namespace
}  // namespace windlass
