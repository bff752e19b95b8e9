// What is noted of a job's run in the answer's exchange: a pool process may say anything.
#include <gtest/gtest.h>

#include "tests/worker/io/worker_fixture.h"

namespace windlass {
namespace {

constexpr SlotIndex kWorker{0};

// A dispatcher alone, whose answers are looked at.
class RunRecordTest : public testing::Test, private AnswerSink {
 protected:
  RunRecordTest() : board_(*Scoreboard::Create(1, 2)), timers_(Instant{1'000'000'000}) {
    setup_.slot = kWorker;
    setup_.incarnation = 1;
    setup_.config = &config_;
    setup_.scoreboard = &board_;
    setup_.pools = {{jobs_.send_end.get(), replies_.receive_end.get()}};
    setup_.payload_budget_bytes = 1 << 20;
    setup_.fingerprint_secret = secret_.get();
    payloads_.emplace(board_, &board_.MutableSlot(kWorker).load[0].payload_bytes,
                      PoolKey(kDefaultPool), 1 << 20, &timers_);
    dispatcher_.emplace(setup_, 0, &timers_, &*payloads_, static_cast<AnswerSink*>(this), nullptr);
    exchanges_.emplace(&*dispatcher_);
  }
  ~RunRecordTest() override { exchanges_->Give(exchange_); }

  // A job of the second handler, or of whichever the content asks for, and what the pool answers
  // 5 ms later.
  const Exchange& Run(proto::JobKind kind, proto::Reply reply) {
    exchange_ = exchanges_->Take(nullptr);
    JobRequest request;
    request.kind = kind;
    request.handler = 1;
    request.deadline = Instant::Never();
    dispatcher_->Submit(exchange_, request, "content");
    timers_.Advance(timers_.now() + absl::Milliseconds(5));
    reply.set_id(exchange_->id.word());
    std::string envelope;
    EncodeEnvelope(reply, &envelope);
    EXPECT_EQ(SendJobPacket(replies_.send_end.get(), envelope, {"answer"}, {}),
              PacketOutcome::kDone);
    dispatcher_->OnRepliesReady();
    EXPECT_EQ(answers_, 1);
    return *exchange_;
  }
  proto::Reply Ran(int64_t started_ms, uint64_t run_ms) {
    proto::Reply reply;
    reply.set_started_ns(
        static_cast<uint64_t>((timers_.now() + absl::Milliseconds(started_ms)).ns));
    reply.set_run_ns(run_ms * 1'000'000);
    return reply;
  }

 private:
  void OnAnswer(Exchange* exchange, const Answer&) override {
    exchange->state = Exchange::State::kAnswered;
    ++answers_;
  }
  BacklogLane** LaneOf(Exchange*) override { return &lane_; }
  void OnCrash(const CrashedPayload&) override {}

  const Config config_ = TestConfig();
  PacketPair jobs_ = *SeqPacketPair(kChannelBufferBytes);
  PacketPair replies_ = *SeqPacketPair(kChannelBufferBytes);
  OwnedFd secret_ = *CreateFingerprintSecret();
  ProcessSetup setup_;
  Scoreboard board_;
  TimerWheel timers_;
  std::optional<PayloadPool> payloads_;
  std::optional<Dispatcher> dispatcher_;
  std::optional<ExchangePool> exchanges_;
  Exchange* exchange_ = nullptr;
  BacklogLane* lane_ = nullptr;
  int answers_ = 0;
};

TEST_F(RunRecordTest, SaysWhenAndWhereAndForHowLongTheJobRan) {
  proto::Reply reply = Ran(2, 3);
  reply.set_slot(2);
  reply.set_handler(2);
  const Exchange& exchange = Run(proto::RUN, reply);
  EXPECT_EQ(exchange.wait_ns, 2'000'000);
  EXPECT_EQ(exchange.run_ns, 3'000'000);
  EXPECT_EQ(exchange.pool_slot, 2u);
  EXPECT_EQ(exchange.route_handler, 1u);
}

TEST_F(RunRecordTest, LearnsTheHandlerThatTheContentAskedFor) {
  proto::Reply reply = Ran(0, 0);
  reply.set_handler(3);
  EXPECT_EQ(Run(proto::RESOLVE, reply).route_handler, 2u);
}

TEST_F(RunRecordTest, DoesNotKnowTheHandlerWhereNoneRan) {
  EXPECT_EQ(Run(proto::RESOLVE, Ran(0, 0)).route_handler, Exchange::kUnknown);
}

TEST_F(RunRecordTest, HasNoTimesBeyondThoseThatItKnows) {
  const Exchange& exchange = Run(proto::RUN, Ran(1'000'000, UINT64_MAX / 1'000'000));
  EXPECT_EQ(exchange.wait_ns, 5'000'000);
  EXPECT_EQ(exchange.run_ns, 5'000'000);
}

TEST_F(RunRecordTest, KnowsNothingOfARunThatIsNotTold) {
  const Exchange& exchange = Run(proto::RUN, proto::Reply());
  EXPECT_LT(exchange.wait_ns, 0);
  EXPECT_LT(exchange.run_ns, 0);
  EXPECT_EQ(exchange.pool_slot, Exchange::kUnknown);
}

TEST_F(RunRecordTest, HasNoNegativeWait) {
  EXPECT_EQ(Run(proto::RUN, Ran(-1'000'000, 0)).wait_ns, 0);
}

TEST_F(RunRecordTest, BelievesInNoSlotAndNoHandlerThatAreNotThere) {
  proto::Reply reply = Ran(0, 0);
  reply.set_slot(0);  // a worker's
  reply.set_handler(UINT32_MAX);
  const Exchange& exchange = Run(proto::RUN, reply);
  EXPECT_EQ(exchange.pool_slot, Exchange::kUnknown);
  EXPECT_EQ(exchange.route_handler, 1u);
}

}  // namespace
}  // namespace windlass
