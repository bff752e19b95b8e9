#include "worker/io/taker.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <functional>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tests/common/socket_pairs.h"

namespace windlass {
namespace {

using proto::Verdicts;

// A taker whose links' other ends are the test's, in front of whoever serves.
class TakerTest : public testing::Test, public MovedConnectionSink {
 protected:
  TakerTest() : selector_(*Selector::Create(SelectorKind::kEpoll)), client_(SocketPair()) {
    taker_.emplace(selector_.get(), this);
  }

  OwnedFd AddLink() {
    PacketPair link = *SeqPacketPair(kChannelBufferBytes);
    taker_->AddLink(std::move(link.receive_end));
    EXPECT_EQ(Hear(link.send_end), "0: FULL") << "it lives";
    return std::move(link.send_end);
  }
  void Offer(const OwnedFd& link, uint64_t id, absl::string_view input = "") {
    OutgoingConnection outgoing;
    outgoing.socket = client_.ours.get();
    outgoing.listener = "127.0.0.1:7000";
    outgoing.protocol = "line";
    outgoing.input = input;
    EXPECT_EQ(SendOffer(link.get(), id, outgoing).value(), PacketOutcome::kDone);
  }
  void SendBytes(const OwnedFd& link, std::string bytes, std::vector<int> fds = {}) {
    EXPECT_EQ(SendJobPacket(link.get(), bytes, {}, fds), PacketOutcome::kDone);
  }
  // One turn of the loop. Returns how many links had something.
  size_t Turn() {
    const absl::Span<const Ready> ready = *selector_->Select(0);
    for (const Ready& event : ready) {
      EXPECT_EQ(event.token.value >> 56, Taker::kTokenKind);
      taker_->OnReady(event.token);
    }
    return ready.size();
  }
  void Settle() {
    for (int i = 0; i < 1000; ++i) {
      if (Turn() == 0) return;
    }
    ADD_FAILURE() << "an ended link is still watched";
  }
  // What the giver hears next: "17: TAKEN", "nothing" or "end".
  static std::string Hear(const OwnedFd& link) {
    char buffer[4096];
    const iovec room = {buffer, sizeof(buffer)};
    const ReceivedPacket packet = ReceivePacket(link.get(), {&room, 1}, {});
    if (packet.outcome == PacketOutcome::kFull) return "nothing";
    if (packet.outcome == PacketOutcome::kPeerGone) return "end";
    proto::Verdicts verdicts;
    EXPECT_TRUE(verdicts.ParseFromArray(buffer, static_cast<int>(packet.bytes)));
    EXPECT_EQ(verdicts.verdicts_size(), 1);
    return absl::StrCat(verdicts.verdicts(0).id(), ": ",
                        Verdicts::Outcome_Name(verdicts.verdicts(0).outcome()));
  }

  std::unique_ptr<Selector> selector_;
  Pair client_;
  std::optional<Taker> taker_;
  // The sink.
  Verdicts::Outcome verdict_ = Verdicts::TAKEN;
  std::function<void()> when_taken_ = [] {};
  std::vector<IncomingConnection> taken_;
  int examined_ = 0;

 private:
  Verdicts::Outcome Examine(const IncomingConnection& connection) override {
    EXPECT_TRUE(connection.socket.valid());
    ++examined_;
    return verdict_;
  }
  void Take(IncomingConnection connection) override {
    when_taken_();
    taken_.push_back(std::move(connection));
  }
};

TEST_F(TakerTest, TheVerdictIsInTheSocketBeforeTheConnectionIsServed) {
  const OwnedFd giver = AddLink();
  std::string heard;
  when_taken_ = [&] { heard = Hear(giver); };
  Offer(giver, 17);
  Settle();
  EXPECT_EQ(taken_.size(), 1u);
  EXPECT_EQ(heard, "17: TAKEN");
  EXPECT_EQ(Hear(giver), "nothing");
}

TEST_F(TakerTest, ConnectionsArriveWithAllThatIsKnownOfThem) {
  const OwnedFd giver = AddLink();
  const std::string large(50'000, 'x');
  Offer(giver, 1, "half a li");
  Offer(giver, 2, large);
  Settle();
  ASSERT_EQ(taken_.size(), 2u);
  EXPECT_EQ(taken_[0].listener, "127.0.0.1:7000");
  EXPECT_EQ(taken_[0].protocol, "line");
  EXPECT_TRUE(taken_[1].input == large) << "it owns the memory of a large one";
}

TEST_F(TakerTest, ASmallOnesInputIsThereWhileItIsTaken) {
  class Reader : public MovedConnectionSink {
   public:
    std::string input;

   private:
    Verdicts::Outcome Examine(const IncomingConnection&) override { return Verdicts::TAKEN; }
    void Take(IncomingConnection connection) override { input = std::string(connection.input); }
  } reader;
  Taker taker(selector_.get(), &reader);
  PacketPair link = *SeqPacketPair(kChannelBufferBytes);
  taker.AddLink(std::move(link.receive_end));
  Offer(link.send_end, 1, "half a li");
  const absl::Span<const Ready> ready = *selector_->Select(0);
  for (const Ready& event : ready) taker.OnReady(event.token);
  EXPECT_EQ(reader.input, "half a li");
}

TEST_F(TakerTest, WhatTheSinkRefusesIsRefusedAndNotTaken) {
  const OwnedFd giver = AddLink();
  for (const Verdicts::Outcome refusal :
       {Verdicts::NO_LISTENER, Verdicts::FULL, Verdicts::NOT_UNDERSTOOD}) {
    verdict_ = refusal;
    Offer(giver, 20 + static_cast<uint64_t>(refusal));
    Settle();
    EXPECT_EQ(Hear(giver),
              absl::StrCat(20 + static_cast<int>(refusal), ": ", Verdicts::Outcome_Name(refusal)));
  }
  EXPECT_TRUE(taken_.empty());
}

TEST_F(TakerTest, ARefusedClientsSocketIsClosedHere) {
  const OwnedFd giver = AddLink();
  verdict_ = Verdicts::FULL;
  Offer(giver, 1);
  Settle();
  client_.ours.Reset();  // and there
  char byte;
  EXPECT_EQ(::recv(client_.theirs.get(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST_F(TakerTest, OfASenderThatIsGoneTheConnectionIsTakenAllTheSame) {
  OwnedFd giver = AddLink();
  Offer(giver, 1);
  Offer(giver, 2);
  giver.Reset();
  Settle();
  EXPECT_EQ(taken_.size(), 2u) << "nobody else has them";
}

TEST_F(TakerTest, OfASenderThatDiedWithoutReadingItsVerdictsTheRestIsTakenToo) {
  OwnedFd giver = AddLink();
  Offer(giver, 1);
  Turn();
  Offer(giver, 2);
  giver.Reset();  // the first verdict is unread: the kernel calls this a reset
  Settle();
  EXPECT_EQ(taken_.size(), 2u);
}

TEST_F(TakerTest, AnOfferOfANewerBinaryIsRefusedAndTheLinkGoesOn) {
  const OwnedFd giver = AddLink();
  proto::Offer offer;
  offer.set_version(kHandOverVersion + 1);
  offer.set_id(9);
  std::string encoded;
  EncodeEnvelope(offer, &encoded);
  SendBytes(giver, encoded, {client_.ours.get()});
  Offer(giver, 10);
  Settle();
  EXPECT_EQ(Hear(giver), "9: NOT_UNDERSTOOD");
  EXPECT_EQ(Hear(giver), "10: TAKEN");
  EXPECT_EQ(examined_, 1);
}

TEST_F(TakerTest, AnOfferWithoutASocketIsNotUnderstood) {
  const OwnedFd giver = AddLink();
  proto::Offer offer;
  offer.set_version(kHandOverVersion);
  offer.set_id(9);
  std::string encoded;
  EncodeEnvelope(offer, &encoded);
  SendBytes(giver, encoded);
  Settle();
  EXPECT_EQ(Hear(giver), "9: NOT_UNDERSTOOD");
}

TEST_F(TakerTest, APacketThatIsNoneEndsItsLinkAndNoOther) {
  const OwnedFd broken = AddLink();
  const OwnedFd other = AddLink();
  SendBytes(broken, "no packet at all", {client_.ours.get()});
  Settle();
  EXPECT_EQ(Hear(broken), "end");
  Offer(other, 3);
  Settle();
  EXPECT_EQ(Hear(other), "3: TAKEN");
}

TEST_F(TakerTest, TheSocketInAPacketThatIsNoneIsClosedHere) {
  const OwnedFd broken = AddLink();
  SendBytes(broken, "no packet at all", {client_.ours.get()});
  Settle();
  client_.ours.Reset();
  char byte;
  EXPECT_EQ(::recv(client_.theirs.get(), &byte, 1, MSG_DONTWAIT), 0)
      << "the client would wait for ever";
}

TEST_F(TakerTest, AnEndedLinkIsForgotten) {
  OwnedFd giver = AddLink();
  giver.Reset();
  EXPECT_EQ(Turn(), 1u);
  EXPECT_EQ(Turn(), 0u) << "its end would be reported for ever";
  const OwnedFd next = AddLink();
  Offer(next, 4);
  Settle();
  EXPECT_EQ(Hear(next), "4: TAKEN");
}

TEST_F(TakerTest, AManyOffersAtOnceDoNotHoldUpTheLoop) {
  const OwnedFd giver = AddLink();
  for (uint64_t id = 1; id <= 100; ++id) Offer(giver, id);
  EXPECT_EQ(Turn(), 1u);
  EXPECT_LT(taken_.size(), 100u);
  Settle();
  EXPECT_EQ(taken_.size(), 100u);
  for (uint64_t id = 1; id <= 100; ++id) EXPECT_EQ(Hear(giver), absl::StrCat(id, ": TAKEN"));
}

TEST_F(TakerTest, AGiverThatReadsNoVerdictsLosesItsLinkAndKeepsTheConnection) {
  const OwnedFd giver = AddLink();
  size_t offered = 0;
  // Each verdict takes room in the giver's socket, until there is none.
  for (; offered < 100'000; ++offered) {
    OutgoingConnection outgoing;
    outgoing.socket = client_.ours.get();
    if (SendOffer(giver.get(), offered, outgoing).value() != PacketOutcome::kDone) break;
    const size_t before = taken_.size();
    Turn();
    if (taken_.size() == before) break;
    taken_.pop_back();
    taken_.emplace_back();
  }
  EXPECT_EQ(taken_.size(), offered) << "the last one was not taken";
  size_t heard = 0;
  for (; Hear(giver) != "end"; ++heard) EXPECT_LT(heard, offered);
  EXPECT_EQ(heard, offered) << "and the giver hears the end instead of a verdict";
}

TEST_F(TakerTest, EventsOfLinksThatNeverWereAreIgnored) {
  taker_->OnReady(SelectorToken{Taker::kTokenKind << 56 | 5});
  EXPECT_TRUE(taken_.empty());
}

TEST_F(TakerTest, ItsEndIsTheEndOfItsLinks) {
  const OwnedFd giver = AddLink();
  taker_.reset();
  EXPECT_EQ(Hear(giver), "end");
  EXPECT_EQ(Turn(), 0u);
}

// In a process of its own, which has no descriptor left for what arrives.
TEST_F(TakerTest, AtTheLimitOfDescriptorsAnOfferIsRefusedAsFullAndTheNextOneIsTaken) {
  const OwnedFd giver = AddLink();
  Offer(giver, 0);  // a sanitizer's first look at the sink needs descriptors of its own
  Settle();
  ASSERT_EQ(Hear(giver), "0: TAKEN");
  taken_.clear();
  Offer(giver, 1);
  Offer(giver, 2, std::string(50'000, 'x'));  // needs two
  const pid_t child = ::fork();
  if (child == 0) {
    const int next = ::dup(0);
    ::close(next);
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const auto allow = [&limit, next](int more) {
      limit.rlim_cur = static_cast<rlim_t>(next + more);
      ::setrlimit(RLIMIT_NOFILE, &limit);
    };
    allow(0);
    if (Turn() != 1) ::_exit(1);
    if (Hear(giver) != "1: FULL") ::_exit(2);
    if (Hear(giver) != "2: FULL") ::_exit(3);
    allow(1);
    Offer(giver, 3);
    if (Turn() != 1) ::_exit(4);
    if (Hear(giver) != "3: TAKEN") ::_exit(5);
    ::_exit(taken_.size() == 1 ? 0 : 6);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace windlass
