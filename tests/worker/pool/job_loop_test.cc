#include "worker/pool/job_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "common/job_id.h"
#include "proto/control.pb.h"

namespace windlass {
namespace {

// A pool process's loop in this process, and a worker's ends of its channels.
class JobLoopTest : public testing::Test {
 protected:
  JobLoopTest() {
    config_.listeners.resize(1);
    config_.handlers.resize(1);
    config_.handlers[0].name = config_.handlers[0].builtin = "echo";
    board_.MutableHeader().bays[0].generation = 1;
    board_.MutableHeader().bays[0].workers = 1;
  }

  // Sends the job, runs the loop until the queue is empty, and takes the answer.
  proto::Reply Run(const proto::Job& job, int file) {
    std::string envelope;
    EncodeEnvelope(job, &envelope);
    EXPECT_EQ(SendJobPacket(jobs_.send_end.get(), envelope, {}, {file}), PacketOutcome::kDone);
    proto::Command command;
    command.mutable_drain();
    EXPECT_EQ(master_.Send(command), PacketOutcome::kDone);
    ProcessSetup setup;
    setup.slot = SlotIndex{1};
    setup.incarnation = setup.generation = 1;
    setup.config = &config_;
    setup.scoreboard = &board_;
    setup.job_queue = jobs_.receive_end.get();
    setup.reply_channels = {replies_.send_end.get()};
    setup.payload_budget_bytes = 64 << 20;
    absl::StatusOr<HandlerSet> handlers = HandlerSet::Load(config_, 0);
    EXPECT_TRUE(handlers.ok() && handlers->Start().ok());
    auto loop = JobLoop::Create(std::move(setup), &child_, *std::move(handlers), std::nullopt);
    EXPECT_EQ((*loop)->Run(), 0);
    JobPacketReceiver receiver;
    proto::Reply reply;
    EXPECT_EQ(receiver.Receive(replies_.receive_end.get(), &reply),
              JobPacketReceiver::Outcome::kPacket);
    return reply;
  }

  Config config_;
  Scoreboard board_ = *Scoreboard::Create(1, 1);
  PacketPair jobs_ = *SeqPacketPair(kChannelBufferBytes);
  PacketPair replies_ = *SeqPacketPair(kChannelBufferBytes);
  PacketPair control_ = *SeqPacketPair(kChannelBufferBytes);
  ControlChannel master_{std::move(control_.send_end)}, child_{std::move(control_.receive_end)};
};

TEST_F(JobLoopTest, RefusesAPayloadThatIsLargerThanItsMemory) {
  const OwnedFd memory = *MemfdCreate("payload", 8192);
  ASSERT_TRUE(AddSeals(memory.get(), F_SEAL_SHRINK).ok());
  for (const uint64_t bytes : {uint64_t{8192}, uint64_t{1} << 63, UINT64_MAX - 63, UINT64_MAX}) {
    proto::Job job;
    job.set_id(JobId::Make(SlotIndex{0}, 1, 1).word());
    job.set_deadline_ns(INT64_MAX);
    job.set_file_bytes(bytes);
    const proto::Reply reply = Run(job, memory.get());
    EXPECT_TRUE(reply.is_error()) << bytes;
    EXPECT_EQ(reply.status(), static_cast<uint32_t>(ErrorCode::kUnavailable)) << bytes;
  }
}

TEST_F(JobLoopTest, RunsAJobOfAnyAttempt) {
  const OwnedFd memory = *MemfdCreate("payload", 8192);
  ASSERT_TRUE(AddSeals(memory.get(), F_SEAL_SHRINK).ok());
  for (const uint32_t attempt : {1u, uint32_t{INT32_MAX}, UINT32_MAX}) {
    proto::Job job;
    job.set_id(JobId::Make(SlotIndex{0}, 1, 1).word());
    job.set_deadline_ns(INT64_MAX);
    job.set_file_bytes(100);
    job.set_attempt(attempt);
    EXPECT_EQ(Run(job, memory.get()).status(), static_cast<uint32_t>(ErrorCode::kOk)) << attempt;
  }
}

}  // namespace
}  // namespace windlass
