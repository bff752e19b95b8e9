#include "worker/pool/reply_sender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "common/job_channel.h"
#include "common/payload_buffer.h"
#include "common/pools.h"
#include "common/scoreboard.h"

namespace windlass {
namespace {

// A pool process's sender in this process, and the worker's end of its channel.
class ReplySenderTest : public testing::Test {
 protected:
  ReplySenderTest() {
    config_.pools.resize(1);
    setup_.slot = process_;
    board_.MutableHeader().pool_slots_used.store(1);
    board_.MutableAssignment(process_).pool_key.store(PoolKey(config_.pools[0].name));
    setup_.incarnation = setup_.generation = 1;
    setup_.config = &config_;
    setup_.scoreboard = &board_;
    setup_.reply_channels = {replies_.send_end.get()};
    setup_.payload_budget_bytes = 8 << 20;
    ProcessSlot& worker = board_.MutableSlot(SlotIndex{0});
    worker.pid.store(1);
    worker.incarnation.store(1);
    Begin();
  }
  void Begin() { sender_.Begin(JobId::Make(SlotIndex{0}, 1, ++last_job_), MonotonicNow()); }
  absl::Span<char> Reserve(size_t bytes) {
    const absl::StatusOr<absl::Span<char>> memory = sender_.Reserve(bytes);
    EXPECT_TRUE(memory.ok()) << memory.status();
    return memory.ok() ? *memory : absl::Span<char>();
  }
  proto::Reply TakeReply() {
    proto::Reply reply;
    EXPECT_EQ(receiver_.Receive(replies_.receive_end.get(), &reply),
              JobPacketReceiver::Outcome::kPacket);
    return reply;
  }
  // Of the reply that was taken last.
  Mapping Map(size_t fd) {
    const int memfd = receiver_.fds()[fd].get();
    return *Mapping::Shared(memfd, IdentifyFile(memfd)->size, 0, /*writable=*/true);
  }
  static ResultHeader* HeaderOf(const Mapping& map) {
    return reinterpret_cast<ResultHeader*>(map.data());
  }
  template <typename... Piece>
  static Response ResponseOf(Piece... pieces) {
    Response response{"text/plain", "utf-8"};
    (response.pieces.push_back(std::move(pieces)), ...);
    return response;
  }
  uint64_t PayloadBytes() { return board_.slot(process_).payload_bytes.load(); }

  Config config_;
  Scoreboard board_ = *Scoreboard::Create(1, 1);
  const SlotIndex process_{board_.PoolSlots().first};
  PacketPair replies_ = *SeqPacketPair(kChannelBufferBytes);
  PacketPair control_ = *SeqPacketPair(kChannelBufferBytes);
  ControlChannel child_{std::move(control_.receive_end)};
  ProcessSetup setup_;
  ReplySender sender_{setup_, &child_};
  JobPacketReceiver receiver_;
  uint32_t last_job_ = 0;
};

TEST_F(ReplySenderTest, WhatIsMadeInReservedMemoryIsSentFromThere) {
  const absl::Span<char> memory = Reserve(100'000);
  ASSERT_EQ(memory.size(), 100'000u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % 4096, 0u);
  std::fill(memory.begin(), memory.end(), 'x');
  memory[5] = 'y';
  sender_.Send(ResponseOf(ResponsePiece::Borrowed("before"),
                          ResponsePiece::Borrowed({memory.data() + 5, 1000}),
                          ResponsePiece::Owned("behind")));
  const proto::Reply reply = TakeReply();
  ASSERT_EQ(reply.pieces_size(), 3);
  EXPECT_EQ(receiver_.payload(), "beforebehind");
  EXPECT_EQ(reply.pieces(1).source(), proto::Piece::MEMFD);
  EXPECT_EQ(reply.pieces(1).offset(), ResultHeader::kBytes + 5);
  EXPECT_EQ(reply.pieces(1).bytes(), 1000u);
  const Mapping map = Map(0);
  EXPECT_EQ(std::string(map.data() + reply.pieces(1).offset(), 2), "yx");
  memory[5] = 'z';
  EXPECT_EQ(map.data()[reply.pieces(1).offset()], 'z') << "the same memory";
  EXPECT_EQ(HeaderOf(map)->in_use, reply.id());
}

TEST_F(ReplySenderTest, LargePiecesFromElsewhereAreCopiedBesideIt) {
  const absl::Span<char> memory = Reserve(100'000);
  std::fill(memory.begin(), memory.end(), 'x');
  const std::string large(100'000, 'l');
  sender_.Send(ResponseOf(ResponsePiece::Borrowed(large),
                          ResponsePiece::Borrowed({memory.data(), memory.size()})));
  const proto::Reply reply = TakeReply();
  ASSERT_EQ(reply.pieces_size(), 2);
  ASSERT_EQ(receiver_.fds().size(), 2u);
  const Mapping copied = Map(0), made = Map(1);
  EXPECT_EQ(std::string(copied.data() + reply.pieces(0).offset(), 100'000), large);
  EXPECT_EQ(std::string(made.data() + reply.pieces(1).offset(), 100'000),
            std::string(100'000, 'x'));
  EXPECT_EQ(HeaderOf(copied)->in_use, reply.id());
  EXPECT_EQ(HeaderOf(made)->in_use, reply.id());
}

TEST_F(ReplySenderTest, ReservedMemoryIsUsedAgainOnceTheWorkerHasLetGo) {
  const char* const first = Reserve(100'000).data();
  sender_.Send(ResponseOf(ResponsePiece::Borrowed({first, 100'000})));
  (void)TakeReply();
  const Mapping map = Map(0);
  Begin();
  EXPECT_NE(Reserve(100'000).data(), first) << "the worker still reads it";
  sender_.SendError(ErrorCode::kHandlerFailed, "");
  (void)TakeReply();
  HeaderOf(map)->in_use = 0;
  Begin();
  EXPECT_EQ(Reserve(100'000).data(), first);
}

TEST_F(ReplySenderTest, ReservedMemoryThatIsNotSentIsFreeAgain) {
  (void)Reserve(100'000);
  const std::vector<std::function<void()>> ends = {
      [this] { sender_.SendError(ErrorCode::kHandlerFailed, "no"); },
      [this] { sender_.Send(ResponseOf(ResponsePiece::Borrowed("small"))); },
      [this] { sender_.SendPartResult("small"); },
      [this] {
        sender_.Abort();
        sender_.SendError(ErrorCode::kHandlerFailed, "out of memory");
      },
  };
  for (const auto& end : ends) {
    end();
    EXPECT_EQ(TakeReply().pieces_size(), 0);
    sender_.Trim();
    EXPECT_EQ(PayloadBytes(), 0u);
    EXPECT_FALSE(sender_.holds_memory());
    Begin();
    EXPECT_NE(Reserve(100'000).data(), nullptr);
  }
}

TEST_F(ReplySenderTest, ReservedMemoryStaysWhenNobodyWaitsAnyMore) {
  const char* const mine = Reserve(100'000).data();
  const JobId id = JobId::Make(SlotIndex{0}, 1, last_job_);
  board_.MutableSlot(SlotIndex{0}).cancelled[ProcessSlot::CancelledAt(id, 1)].store(id.word());
  const std::string large(100'000, 'l');
  sender_.Send(
      ResponseOf(ResponsePiece::Borrowed(large), ResponsePiece::Borrowed({mine, 100'000})));
  const proto::Reply reply = TakeReply();
  EXPECT_NE(IdentifyFile(receiver_.fds()[0].get())->inode,
            IdentifyFile(receiver_.fds()[1].get())->inode);
}

TEST_F(ReplySenderTest, AnAnswerThatDoesNotFitGivesItsMemoryBack) {
  const ProcessSlot& slot = board_.slot(process_);
  while (slot.replies_dropped.load() == 0) {
    sender_.SendError(ErrorCode::kHandlerFailed, "fills the channel");
    Begin();
  }
  const char* const memory = Reserve(100'000).data();
  const std::string large(100'000, 'l');
  sender_.Send(
      ResponseOf(ResponsePiece::Borrowed({memory, 100'000}), ResponsePiece::Borrowed(large)));
  EXPECT_EQ(slot.replies_dropped.load(), 2u);
  sender_.Trim();
  EXPECT_EQ(PayloadBytes(), 0u);
  EXPECT_FALSE(sender_.holds_memory());
}

TEST_F(ReplySenderTest, ReservesOnceAJobAndWithinTheBudget) {
  EXPECT_EQ(sender_.Reserve(9 << 20).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(sender_.is_refused());
  EXPECT_EQ(Reserve(0).size(), 0u);
  EXPECT_EQ(Reserve(1 << 20).size(), size_t{1} << 20);
  EXPECT_EQ(PayloadBytes(), uint64_t{1} << 20);
  EXPECT_EQ(sender_.Reserve(1).status().code(), absl::StatusCode::kInternal);
  sender_.SendError(ErrorCode::kHandlerFailed, "");
  (void)TakeReply();
  Begin();
  EXPECT_FALSE(sender_.is_refused());
  EXPECT_EQ(Reserve(1).size(), 1u);
}

TEST_F(ReplySenderTest, AResultOfAPartIsCopiedUnlessItIsInReservedMemory) {
  const std::string scratch(70'000, 's');
  PartResult result = "for merge";
  result.content = scratch;
  sender_.SendPartResult(result);
  const proto::Reply reply = TakeReply();
  EXPECT_EQ(receiver_.payload(), "for merge");
  ASSERT_EQ(reply.pieces_size(), 1);
  EXPECT_EQ(reply.pieces(0).bytes(), 70'000u);
  const Mapping map = Map(0);
  EXPECT_EQ(std::string(map.data() + reply.pieces(0).offset(), 70'000), scratch);
}

TEST_F(ReplySenderTest, ContentsOfPartsAreNamedOnceEach) {
  const std::vector<uint64_t> bytes = {5, 0, 7};
  const auto send = [&](std::vector<int> parts) {
    Begin();
    sender_.NoteParts({}, bytes);
    Response response;
    for (const int part : parts) response.pieces.push_back(ResponsePiece::OfPart(part));
    sender_.Send(response);
    return TakeReply();
  };
  const proto::Reply reply = send({2, 0});
  ASSERT_EQ(reply.pieces_size(), 2);
  EXPECT_EQ(reply.pieces(0).source(), proto::Piece::PART);
  EXPECT_EQ(reply.pieces(0).part(), 2u);
  EXPECT_EQ(reply.pieces(0).bytes(), 7u);
  EXPECT_EQ(reply.pieces(1).bytes(), 5u);
  EXPECT_EQ(send({1}).message(), "response with OfPart(1): that part has no content");
  EXPECT_EQ(send({3}).message(), "response with OfPart(3): there are 3 parts");
  EXPECT_EQ(send({2, 0, 2}).message(), "response with OfPart(2): it is there twice");
  Begin();
  sender_.Send(ResponseOf(ResponsePiece::OfPart(0)));
  EXPECT_EQ(TakeReply().message(), "response with OfPart(0): only Merge has parts");
  Begin();
  Response many;
  for (int i = 0; i < 17; ++i) many.pieces.push_back(ResponsePiece::Owned("x"));
  sender_.Send(many);
  EXPECT_EQ(TakeReply().message(),
            "response of too many pieces: 17 beside contents of parts, at most 16");
}

}  // namespace
}  // namespace windlass
