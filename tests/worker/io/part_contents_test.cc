// Large contents that parts make, which the worker keeps for the answer.
#include <sys/resource.h>

#include "common/payload_buffer.h"
#include "tests/worker/io/split_fixture.h"

namespace windlass {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class PartContentsTest : public SplitJobsTest {
 protected:
  // Of a part: the first `bytes` of `buffer`, filled with `letter`.
  proto::Reply ReplyWith(const TestJob& part, ResultBuffer* buffer, char letter, size_t bytes) {
    std::fill_n(buffer->data(), bytes, letter);
    buffer->header()->in_use = part.id;
    proto::Reply reply;
    reply.set_id(part.id);
    proto::Piece* const piece = reply.add_pieces();
    piece->set_source(proto::Piece::MEMFD);
    piece->set_offset(ResultHeader::kBytes);
    piece->set_bytes(bytes);
    return reply;
  }
  // Both parts have made content: the last job.
  TestJob MakeContents() {
    SplitInTwo(Job());
    Send(ReplyWith(left_, left_buffer_.get(), 'l', 30'000), {left_buffer_->fd()});
    Send(ReplyWith(right_, right_buffer_.get(), 'r', 20'000), {right_buffer_->fd()});
    return Job();
  }
  static void AddPart(proto::Reply* reply, uint32_t part, uint64_t bytes) {
    proto::Piece* const piece = reply->add_pieces();
    piece->set_source(proto::Piece::PART);
    piece->set_part(part);
    piece->set_bytes(bytes);
  }
  static proto::Reply Empty(const TestJob& merge) {
    proto::Reply reply;
    reply.set_id(merge.id);
    return reply;
  }
  bool IsHeld(const ResultBuffer& buffer) { return buffer.header()->in_use != 0; }
  std::string ReadAll(TestClient* client) {
    std::string all;
    for (std::string some = client->Read(); !some.empty(); some = client->Read()) {
      all += some;
      Settle();
    }
    return all;
  }

  std::unique_ptr<ResultBuffer> left_buffer_ = *ResultBuffer::Create(1 << 16);
  std::unique_ptr<ResultBuffer> right_buffer_ = *ResultBuffer::Create(1 << 16);
};

TEST_F(PartContentsTest, GoOutWhereMergePutsThem) {
  TestClient client = Ask("work");
  const TestJob merge = MakeContents();
  EXPECT_THAT(merge.envelope.part_bytes(), ElementsAre(30'000u, 20'000u));
  EXPECT_TRUE(IsHeld(*left_buffer_) && IsHeld(*right_buffer_));
  proto::Reply reply = Empty(merge);
  AddPart(&reply, 1, 20'000);
  reply.add_pieces()->set_bytes(6);
  AddPart(&reply, 0, 30'000);
  worker().Reply(reply, "middle", {});
  Settle();
  EXPECT_THAT(ReadAll(&client),
              EndsWith(absl::StrCat(std::string(20'000, 'r'), "middle", std::string(30'000, 'l'))));
  EXPECT_FALSE(IsHeld(*left_buffer_) || IsHeld(*right_buffer_)) << "their processes may write";
}

TEST_F(PartContentsTest, AreHeldUntilASlowClientHasThem) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  constexpr size_t kBytes = 16 << 20;  // more than the sockets take
  const auto large = *ResultBuffer::Create(kBytes);
  Send(ReplyWith(left_, large.get(), 'l', kBytes), {large->fd()});
  Reply(right_, "");
  proto::Reply reply = Empty(Job());
  AddPart(&reply, 0, kBytes);
  Send(reply);
  EXPECT_TRUE(IsHeld(*large));
  const std::string answer = ReadAll(&client);
  EXPECT_GT(answer.size(), kBytes);
  EXPECT_EQ(answer.find_first_not_of('l', answer.size() - kBytes), std::string::npos);
  EXPECT_FALSE(IsHeld(*large));
}

TEST_F(PartContentsTest, ThatTheAnswerLeavesOutAreGivenBack) {
  TestClient client = Ask("work");
  const TestJob merge = MakeContents();
  Reply(merge, "nothing of it");
  EXPECT_THAT(client.Read(), EndsWith("nothing of it"));
  EXPECT_FALSE(IsHeld(*left_buffer_) || IsHeld(*right_buffer_));
}

TEST_F(PartContentsTest, AreGivenBackWhenTheClientLeaves) {
  TestClient client = Ask("work");
  (void)MakeContents();
  client.Close();
  Settle();
  EXPECT_FALSE(IsHeld(*left_buffer_) || IsHeld(*right_buffer_));
}

TEST_F(PartContentsTest, AreGivenBackWhenAnotherPartFails) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  Send(ReplyWith(left_, left_buffer_.get(), 'l', 10), {left_buffer_->fd()});
  worker().ReplyError(right_.id);
  Settle();
  EXPECT_THAT(client.Read(), HasSubstr("handler_failed"));
  EXPECT_FALSE(IsHeld(*left_buffer_));
}

TEST_F(PartContentsTest, AreGivenBackAtTheDeadline) {
  config_.handlers[kWorkHandler].deadline = absl::Seconds(2);
  TestClient client = Ask("work");
  (void)MakeContents();
  Advance(absl::Seconds(3));
  EXPECT_THAT(client.Read(), HasSubstr("deadline_exceeded"));
  EXPECT_FALSE(IsHeld(*left_buffer_) || IsHeld(*right_buffer_));
}

TEST_F(PartContentsTest, AreGivenBackWhenTheServerStops) {
  TestClient client = Ask("work");
  (void)MakeContents();
  worker().io().dispatchers->AnswerAll(ErrorCode::kUnavailable, "stopping");
  Settle();
  EXPECT_THAT(client.Read(), HasSubstr("stopping"));
  EXPECT_FALSE(IsHeld(*left_buffer_) || IsHeld(*right_buffer_));
}

TEST_F(PartContentsTest, OfAnErrorAreGivenBack) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  proto::Reply reply = ReplyWith(left_, left_buffer_.get(), 'l', 10);
  reply.set_is_error(true);
  reply.set_status(static_cast<uint32_t>(ErrorCode::kHandlerFailed));
  Send(reply, {left_buffer_->fd()});
  EXPECT_THAT(client.Read(), HasSubstr("handler_failed"));
  EXPECT_FALSE(IsHeld(*left_buffer_));
}

// Nothing is wrong with the part.
TEST_F(PartContentsTest, WithoutADescriptorLeftForThemTheJobMayBeTriedAgain) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  const proto::Reply reply = ReplyWith(left_, left_buffer_.get(), 'l', 10);
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Send(reply, {left_buffer_->fd()});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(client.Read(),
              AllOf(HasSubstr("\"unavailable\""), HasSubstr("no file descriptor left")));
  EXPECT_TRUE(IsCancelled(right_));
}

TEST_F(PartContentsTest, OfAJobThatNobodyWaitsForAreGivenBack) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  client.Close();
  Settle();
  Send(ReplyWith(left_, left_buffer_.get(), 'l', 10), {left_buffer_->fd()});
  EXPECT_FALSE(IsHeld(*left_buffer_));
}

// The process that merges crashes; those that made the parts may be gone, too.
TEST_F(PartContentsTest, AreThereForTheSecondMerge) {
  TestClient client = Ask("work");
  Lose(MakeContents());
  const TestJob again = Job();
  EXPECT_EQ(again.envelope.kind(), proto::MERGE);
  EXPECT_THAT(again.envelope.part_bytes(), ElementsAre(30'000u, 20'000u));
  proto::Reply reply = Empty(again);
  AddPart(&reply, 1, 20'000);
  Send(reply);
  EXPECT_THAT(ReadAll(&client), EndsWith(std::string(20'000, 'r')));
  EXPECT_FALSE(IsHeld(*left_buffer_) || IsHeld(*right_buffer_));
}

TEST_F(PartContentsTest, OfMorePartsThanPiecesOfAResponseAllGoOut) {
  constexpr uint32_t kParts = 40;
  board_.MutableHeader().bays[0].pool_ready[0] = kParts;
  TestClient client = Ask("work");
  Send(SplitReply(Job(), std::vector<std::string>(kParts, "part")));
  proto::Reply reply;
  std::string all;
  for (uint32_t i = 0; i < kParts; ++i) {
    const TestJob part = Job();
    const auto buffer = *ResultBuffer::Create(1 << 16);
    Send(ReplyWith(part, buffer.get(), static_cast<char>('A' + i), 3), {buffer->fd()});
    AddPart(&reply, i, 3);
    all.append(3, static_cast<char>('A' + i));
  }
  reply.set_id(Job().id);
  Send(reply);
  EXPECT_THAT(ReadAll(&client), EndsWith(all));
}

class BrokenContentsTest : public PartContentsTest {
 protected:
  // The answer to MERGE: the client hears that it is broken, and nothing stays held.
  void Expect(absl::FunctionRef<void(proto::Reply*)> breakage) {
    TestClient client = Ask("work");
    proto::Reply reply = Empty(MakeContents());
    breakage(&reply);
    Send(reply);
    EXPECT_THAT(client.Read(), HasSubstr("broken answer"));
    EXPECT_FALSE(IsHeld(*left_buffer_) || IsHeld(*right_buffer_));
  }
  // The same of the answer to the first part.
  void ExpectOfPart(absl::FunctionRef<void(proto::Reply*, std::vector<int>*)> breakage) {
    TestClient client = Ask("work");
    SplitInTwo(Job());
    proto::Reply reply = ReplyWith(left_, left_buffer_.get(), 'l', 10);
    std::vector<int> fds = {left_buffer_->fd()};
    breakage(&reply, &fds);
    Send(reply, fds);
    EXPECT_THAT(client.Read(), HasSubstr("broken answer"));
    EXPECT_TRUE(IsCancelled(right_));
    Send(ReplyWith(right_, right_buffer_.get(), 'r', 10), {right_buffer_->fd()});
    EXPECT_FALSE(IsHeld(*right_buffer_)) << "it came too late";
    EXPECT_TRUE(PoolHasNothing());
  }
};

TEST_F(BrokenContentsTest, Twice) {
  Expect([](proto::Reply* reply) {
    AddPart(reply, 0, 30'000);
    AddPart(reply, 0, 30'000);
  });
}
TEST_F(BrokenContentsTest, OfNoPart) {
  Expect([](proto::Reply* reply) { AddPart(reply, 2, 30'000); });
}
TEST_F(BrokenContentsTest, OfAnotherSize) {
  Expect([](proto::Reply* reply) { AddPart(reply, 0, 30'001); });
}
TEST_F(BrokenContentsTest, OfTwoPieces) {
  ExpectOfPart([this](proto::Reply* reply, std::vector<int>* fds) {
    *reply->add_pieces() = reply->pieces(0);
    fds->push_back(left_buffer_->fd());
  });
  EXPECT_FALSE(IsHeld(*left_buffer_));
}
TEST_F(BrokenContentsTest, BeyondTheirMemory) {
  ExpectOfPart(
      [](proto::Reply* reply, std::vector<int>*) { reply->mutable_pieces(0)->set_bytes(1 << 20); });
}
// It would stay mapped until the client has its answer.
TEST_F(BrokenContentsTest, InMemoryOfMoreThanThereIs) {
  const OwnedFd memfd = *MemfdCreate("endless", uint64_t{1} << 45);
  ASSERT_TRUE(AddSeals(memfd.get(), F_SEAL_SHRINK | F_SEAL_GROW).ok());
  ExpectOfPart([&](proto::Reply*, std::vector<int>* fds) { fds->at(0) = memfd.get(); });
}
TEST_F(BrokenContentsTest, InTheHeaderOfTheirMemory) {
  ExpectOfPart(
      [](proto::Reply* reply, std::vector<int>*) { reply->mutable_pieces(0)->set_offset(8); });
}
TEST_F(BrokenContentsTest, InAFile) {
  const OwnedFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ExpectOfPart([&file](proto::Reply* reply, std::vector<int>* fds) {
    reply->mutable_pieces(0)->set_source(proto::Piece::FILE);
    fds->at(0) = file.get();
  });
}
TEST_F(BrokenContentsTest, OfAPartByAPart) {
  ExpectOfPart([](proto::Reply* reply, std::vector<int>* fds) {
    reply->mutable_pieces(0)->set_source(proto::Piece::PART);
    fds->clear();
  });
}
TEST_F(BrokenContentsTest, OfAJobThatIsNotSplit) {
  TestClient client = Ask("work");
  proto::Reply reply = Empty(Job());
  AddPart(&reply, 0, 5);
  Send(reply);
  EXPECT_THAT(client.Read(), HasSubstr("broken answer"));
}

}  // namespace
}  // namespace windlass
