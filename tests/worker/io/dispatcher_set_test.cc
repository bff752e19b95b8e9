#include "worker/io/dispatcher_set.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "common/fingerprint.h"
#include "common/pools.h"
#include "proto/job.pb.h"

namespace windlass {
namespace {

constexpr SlotIndex kWorker{0};
constexpr uint32_t kDefault = 0, kImages = 1;
constexpr uint32_t kEcho = 0, kThumbnail = 1;  // handlers
constexpr uint64_t kBudget = 32 << 20;

// A worker's two pools, seen from their processes' side.
class DispatcherSetTest : public testing::Test, private AnswerSink {
 protected:
  struct Answered {
    ErrorCode code = ErrorCode::kOk;
    std::string content, message;
  };

  DispatcherSetTest() {
    config_.listeners.resize(1);
    config_.pools.resize(2);
    config_.pools[kImages].name = "images";
    config_.handlers.resize(2);
    config_.handlers[kEcho].name = "echo";
    config_.handlers[kThumbnail].name = "thumbnail";
    config_.handlers[kThumbnail].pool = "images";
    config_.handlers[kThumbnail].deadline = absl::Seconds(3);
    GenerationBay& bay = board_.MutableHeader().bays[0];
    bay.workers = 1;
    bay.pool_keys[kDefault] = PoolKey(kDefaultPool);
    bay.pool_keys[kImages] = PoolKey("images");
    setup_.slot = kWorker;
    setup_.incarnation = 1;
    setup_.config = &config_;
    setup_.scoreboard = &board_;
    setup_.payload_budget_bytes = kBudget;
    setup_.fingerprint_secret = secret_.get();
    for (uint32_t pool = 0; pool < 2; ++pool) {
      setup_.pools.push_back({jobs_[pool].send_end.get(), replies_[pool].receive_end.get()});
    }
    set_.emplace(setup_, &timers_, static_cast<AnswerSink*>(this));
    exchanges_.emplace(&*set_);
    exchange_ = exchanges_->Take(nullptr);
  }
  ~DispatcherSetTest() override {
    set_->Release(exchange_);
    exchanges_->Give(exchange_);
  }

  JobRequest Asking(proto::JobKind kind, uint32_t handler = kEcho) {
    JobRequest request;
    request.kind = kind;
    request.handler = handler;
    request.deadline = timers_.now() + absl::Seconds(30);
    return request;
  }
  void SubmitLarge(const JobRequest& request, const std::string& content) {
    exchange_->pool = set_->PoolOf(request.kind == proto::RUN ? request.handler : UINT32_MAX);
    exchange_->request = set_->payloads(*exchange_).Take(content.size());
    exchange_->request_bytes = content.size();
    ASSERT_TRUE(set_->payloads(*exchange_).Grow(exchange_->request.get(), content.size()));
    std::memcpy(exchange_->request->data(), content.data(), content.size());
    set_->Prepare(exchange_, request);
    set_->SubmitPrepared(exchange_);
  }
  // What came to the pool; nullopt: nothing.
  std::optional<proto::Job> JobOf(uint32_t pool) {
    proto::Job job;
    if (receiver_.Receive(jobs_[pool].receive_end.get(), &job) !=
        JobPacketReceiver::Outcome::kPacket) {
      return std::nullopt;
    }
    return job;
  }
  void Reply(uint32_t pool, proto::Reply reply, absl::string_view content = "") {
    std::string envelope;
    EncodeEnvelope(reply, &envelope);
    ASSERT_EQ(SendJobPacket(replies_[pool].send_end.get(), envelope, {content}, {}),
              PacketOutcome::kDone);
    set_->at(pool).OnRepliesReady();
  }
  static proto::Reply Elsewhere(uint64_t id, uint32_t handler) {
    proto::Reply reply;
    reply.set_id(id);
    reply.set_elsewhere(true);
    reply.set_handler(handler + 1);
    return reply;
  }
  static proto::Reply Done(uint64_t id) {
    proto::Reply reply;
    reply.set_id(id);
    return reply;
  }
  uint64_t BytesOf(uint32_t pool) const {
    return board_.slot(kWorker).load[pool].payload_bytes.load();
  }

  Config config_;
  PacketPair jobs_[2] = {*SeqPacketPair(kChannelBufferBytes), *SeqPacketPair(kChannelBufferBytes)};
  PacketPair replies_[2] = {*SeqPacketPair(kChannelBufferBytes),
                            *SeqPacketPair(kChannelBufferBytes)};
  OwnedFd secret_ = *CreateFingerprintSecret();
  ProcessSetup setup_;
  Scoreboard board_ = *Scoreboard::Create(1, 2);
  TimerWheel timers_{Instant{1'000'000'000}};
  std::optional<DispatcherSet> set_;
  std::optional<ExchangePool> exchanges_;
  Exchange* exchange_ = nullptr;
  JobPacketReceiver receiver_;
  std::vector<Answered> answers_;

 private:
  void OnAnswer(Exchange* exchange, const Answer& answer) override {
    exchange->state = Exchange::State::kAnswered;
    answers_.push_back({answer.code, std::string(answer.content), std::string(answer.message)});
  }
  BacklogLane** LaneOf(Exchange* exchange) override { return &lanes_[exchange->pool]; }
  void OnCrash(const CrashedPayload&) override {}

  BacklogLane* lanes_[2] = {};
};

TEST_F(DispatcherSetTest, AJobGoesToThePoolOfItsHandler) {
  set_->Submit(exchange_, Asking(proto::RUN, kThumbnail), "picture");
  EXPECT_FALSE(JobOf(kDefault));
  const std::optional<proto::Job> job = JobOf(kImages);
  ASSERT_TRUE(job);
  EXPECT_EQ(receiver_.payload(), "picture");
  EXPECT_EQ(board_.slot(kWorker).load[kImages].jobs_out.load(), 1u);
  EXPECT_EQ(board_.slot(kWorker).load[kDefault].jobs_out.load(), 0u);
  Reply(kImages, Done(job->id()), "small");
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].content, "small");
}

TEST_F(DispatcherSetTest, OnePoolCannotAnswerOrLoseTheJobsOfAnother) {
  set_->Submit(exchange_, Asking(proto::RUN, kThumbnail), "picture");
  const std::optional<proto::Job> job = JobOf(kImages);
  ASSERT_TRUE(job);
  Reply(kDefault, Done(job->id()), "forged");
  set_->at(kDefault).OnJobLost({JobId::FromWord(job->id()), "was killed by SIGKILL"});
  EXPECT_TRUE(answers_.empty());
  Reply(kImages, Done(job->id()), "true");
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].content, "true");
}

TEST_F(DispatcherSetTest, OnePoolThatFloodsItsChannelDoesNotKeepTheWorkerFromTheOthers) {
  std::string envelope;
  EncodeEnvelope(Done(1), &envelope);
  constexpr uint64_t kFlood = 300;
  for (uint64_t i = 0; i < kFlood; ++i) {
    ASSERT_EQ(SendJobPacket(replies_[kImages].send_end.get(), envelope, {}, {}),
              PacketOutcome::kDone);
  }
  const Word<uint64_t>& dropped = board_.slot(kWorker).late_replies;
  set_->at(kImages).OnRepliesReady();
  EXPECT_LT(dropped.load(), kFlood / 2) << "the rest is for the next turn";
  for (int turn = 0; turn < 10; ++turn) set_->at(kImages).OnRepliesReady();
  EXPECT_EQ(dropped.load(), kFlood);
}

TEST_F(DispatcherSetTest, JobIdsOfPoolsDiffer) {
  Exchange* const other = exchanges_->Take(nullptr);
  set_->Submit(exchange_, Asking(proto::RUN, kEcho), "a");
  set_->Submit(other, Asking(proto::RUN, kThumbnail), "b");
  EXPECT_NE(JobOf(kDefault)->id(), JobOf(kImages)->id());
  set_->AnswerAll(ErrorCode::kUnavailable, "the end");
  EXPECT_EQ(answers_.size(), 2u);
  exchanges_->Give(other);
}

TEST_F(DispatcherSetTest, WhatOnlyTheContentTellsGoesOnToItsPool) {
  set_->Submit(exchange_, Asking(proto::RESOLVE), "picture");
  const std::optional<proto::Job> asked = JobOf(kDefault);
  ASSERT_TRUE(asked);
  Reply(kDefault, Elsewhere(asked->id(), kThumbnail));
  EXPECT_TRUE(answers_.empty());
  const std::optional<proto::Job> job = JobOf(kImages);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->kind(), proto::RUN);
  EXPECT_EQ(job->handler(), kThumbnail);
  EXPECT_NE(job->id(), asked->id());
  EXPECT_EQ(job->deadline_ns(), static_cast<uint64_t>((timers_.now() + absl::Seconds(3)).ns))
      << "its handler's";
  EXPECT_EQ(receiver_.payload(), "picture");
  EXPECT_EQ(board_.slot(kWorker).load[kDefault].jobs_out.load(), 0u);
  Reply(kImages, Done(job->id()), "small");
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].content, "small");
}

TEST_F(DispatcherSetTest, LargeContentGoesOnWithItsMemoryWhichCountsThere) {
  const std::string content(1 << 20, 'x');
  SubmitLarge(Asking(proto::RESOLVE), content);
  const std::optional<proto::Job> asked = JobOf(kDefault);
  ASSERT_TRUE(asked);
  EXPECT_GT(BytesOf(kDefault), 0u);
  Reply(kDefault, Elsewhere(asked->id(), kThumbnail));
  EXPECT_EQ(BytesOf(kDefault), 0u);
  EXPECT_GT(BytesOf(kImages), 0u);
  const std::optional<proto::Job> job = JobOf(kImages);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->file_bytes(), content.size());
  ASSERT_EQ(receiver_.fds().size(), 1u);
  Reply(kImages, Done(job->id()), "small");
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(BytesOf(kDefault), 0u);
  EXPECT_EQ(BytesOf(kImages), 0u) << "what processes of both pools have mapped is not used again";
}

TEST_F(DispatcherSetTest, LargeContentIsRefusedWhereItsPoolHasNoMemory) {
  SubmitLarge(Asking(proto::RESOLVE), std::string(1 << 20, 'x'));
  const std::optional<proto::Job> asked = JobOf(kDefault);
  ASSERT_TRUE(asked);
  board_.MutableSlot(kWorker).load[kImages].payload_bytes = kBudget / 4;  // half of its half
  Reply(kDefault, Elsewhere(asked->id(), kThumbnail));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].code, ErrorCode::kOverloaded);
  EXPECT_EQ(BytesOf(kImages), kBudget / 4);
}

TEST_F(DispatcherSetTest, OnePoolsMemoryIsNoneOfAnothers) {
  board_.MutableSlot(kWorker).load[kDefault].payload_bytes = kBudget;
  SubmitLarge(Asking(proto::RUN, kThumbnail), std::string(4 << 20, 'x'));
  EXPECT_TRUE(JobOf(kImages));
  set_->AnswerAll(ErrorCode::kUnavailable, "the end");
}

TEST_F(DispatcherSetTest, AJobOfAKnownHandlerGoesNowhereElse) {
  set_->Submit(exchange_, Asking(proto::RUN, kEcho), "picture");
  Reply(kDefault, Elsewhere(JobOf(kDefault)->id(), kThumbnail), "answer");
  EXPECT_FALSE(JobOf(kImages));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].content, "answer");
}

TEST_F(DispatcherSetTest, AJobGoesToNoHandlerThatIsNone) {
  for (const uint32_t handler : {UINT32_MAX, 2u, kEcho}) {
    answers_.clear();
    set_->Submit(exchange_, Asking(proto::RESOLVE), "picture");
    Reply(kDefault, Elsewhere(JobOf(kDefault)->id(), handler), "answer");
    EXPECT_FALSE(JobOf(kImages)) << handler;
    EXPECT_EQ(answers_.size(), 1u) << handler;
  }
}

TEST_F(DispatcherSetTest, TheDeadlineRunsOnElsewhere) {
  set_->Submit(exchange_, Asking(proto::RESOLVE), "picture");
  Reply(kDefault, Elsewhere(JobOf(kDefault)->id(), kThumbnail));
  timers_.Advance(timers_.now() + absl::Milliseconds(3100));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].code, ErrorCode::kDeadlineExceeded);
  EXPECT_TRUE(set_->at(kDefault).idle());
}

TEST_F(DispatcherSetTest, AClientThatGoesLeavesNothingBehindElsewhere) {
  set_->Submit(exchange_, Asking(proto::RESOLVE), "picture");
  Reply(kDefault, Elsewhere(JobOf(kDefault)->id(), kThumbnail));
  const std::optional<proto::Job> job = JobOf(kImages);
  set_->Abandon(exchange_);
  Reply(kImages, Done(job->id()), "late");
  EXPECT_TRUE(answers_.empty());
  EXPECT_TRUE(set_->at(kImages).idle());
}

}  // namespace
}  // namespace windlass
