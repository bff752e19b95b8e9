// What becomes of jobs that their handler splits, and of what a broken process says of parts.
#include <fcntl.h>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "tests/worker/io/split_fixture.h"

namespace windlass {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

TEST_F(SplitJobsTest, PartsRunAsJobsOfTheirOwnAndMergeMakesTheAnswer) {
  TestClient client = Ask("work");
  const TestJob whole = Job();
  SplitInTwo(whole);
  for (const TestJob* part : {&left_, &right_}) {
    EXPECT_EQ(part->envelope.kind(), proto::PART);
    EXPECT_EQ(part->envelope.handler(), kWorkHandler);
    EXPECT_EQ(part->envelope.parts(), 2u);
    EXPECT_EQ(part->envelope.shared_bytes(), kShared);
    EXPECT_EQ(part->content, "work") << "the request is the whole job's";
    EXPECT_EQ(part->deadline_ns, whole.deadline_ns);
    ASSERT_EQ(part->fds.size(), 1u);
    EXPECT_EQ(IdentifyFile(part->fds[0]->get())->inode, IdentifyFile(shared_.get())->inode);
  }
  EXPECT_EQ(left_.envelope.part(), 0u);
  EXPECT_EQ(left_.envelope.what(), "left");
  EXPECT_EQ(right_.envelope.part(), 1u);
  EXPECT_EQ(right_.envelope.what(), "right");
  EXPECT_EQ(PayloadBytes(), kShared);
  Reply(right_, "second");
  EXPECT_TRUE(PoolHasNothing());
  EXPECT_EQ(client.Read(), "");
  const std::string first(512, '1');
  Reply(left_, first);
  const TestJob merge = Job();
  EXPECT_EQ(merge.envelope.kind(), proto::MERGE);
  EXPECT_EQ(merge.content, absl::StrCat("work", first, "second"));
  EXPECT_EQ(merge.envelope.content_bytes(), 4u);
  EXPECT_THAT(merge.envelope.result_bytes(), ElementsAre(512, 6));
  EXPECT_EQ(merge.deadline_ns, whole.deadline_ns);
  Reply(merge, "merged");
  EXPECT_THAT(client.Read(), EndsWith("merged"));
  EXPECT_EQ(PayloadBytes(), 0u);
  EXPECT_TRUE(PoolHasNothing());
}

TEST_F(SplitJobsTest, WhatIsSharedIsAnsweredFromWhereItLies) {
  TestClient client = Ask("work");
  proto::Reply reply;
  reply.set_id(ReachMerge().id);
  proto::Piece* const inside = reply.add_pieces();
  inside->set_bytes(500);
  proto::Piece* const piece = reply.add_pieces();
  piece->set_source(proto::Piece::SHARED);
  piece->set_offset(100);
  piece->set_bytes(12);
  worker().Reply(reply, std::string(500, 'w'), {});
  Settle();
  EXPECT_THAT(client.Read(), EndsWith(std::string(500, 'w') + "of all parts"));
  EXPECT_EQ(PayloadBytes(), 0u);
}

TEST_F(SplitJobsTest, SharedMemoryCountsUntilASlowClientHasIt) {
  TestClient client = worker().Accept(kMessage, /*send_buffer_bytes=*/4096);
  SendWhole(&client, "work");
  const TestJob whole = Job();
  constexpr uint64_t kBytes = 4 << 20;
  const OwnedFd shared = *MemfdCreate("parts", kBytes);
  ASSERT_TRUE(AddSeals(shared.get(), F_SEAL_SHRINK | F_SEAL_GROW).ok());
  proto::Reply split = SplitReply(whole, {"all"});
  split.set_shared_bytes(kBytes);
  Send(split, {shared.get()});
  Reply(Job(), "");
  proto::Reply reply;
  reply.set_id(Job().id);
  proto::Piece* const piece = reply.add_pieces();
  piece->set_source(proto::Piece::SHARED);
  piece->set_bytes(kBytes);
  Send(reply);
  EXPECT_EQ(PayloadBytes(), kBytes);
  uint64_t taken = 0;
  for (int i = 0; i < 10'000 && taken < kBytes; ++i) {
    taken += client.Read().size();
    Settle();
  }
  EXPECT_GT(taken, kBytes);
  EXPECT_EQ(PayloadBytes(), 0u);
}

TEST_F(SplitJobsTest, LargeRequestsGoToAllPartsAsOneFile) {
  const std::string content(200'000, 'x');
  TestClient client = Ask(content);
  SplitInTwo(Job());
  for (const TestJob* part : {&left_, &right_}) {
    EXPECT_TRUE(part->content == content);
    EXPECT_EQ(part->fds.size(), 2u);
  }
  Reply(left_, "1");
  // Nothing of it is used again while a part may read it.
  client.Close();
  Settle();
  EXPECT_TRUE(IsCancelled(right_));
  EXPECT_GT(PayloadBytes(), kShared);
  TestClient other = Ask(content);
  const TestJob next = Job();
  EXPECT_NE(IdentifyFile(next.fds[0]->get())->inode, IdentifyFile(right_.fds[0]->get())->inode);
  Reply(right_, "2");
  EXPECT_TRUE(PoolHasNothing()) << "nobody waits for the merge";
}

TEST_F(SplitJobsTest, ACrashedPartIsTriedOnceMoreAlone) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  Lose(left_);
  const TestJob again = Job();
  EXPECT_NE(again.id, left_.id);
  EXPECT_EQ(again.attempt, 1u);
  EXPECT_EQ(again.envelope.kind(), proto::PART);
  EXPECT_EQ(again.envelope.what(), "left");
  EXPECT_EQ(again.fds.size(), 1u);
  EXPECT_EQ(again.content, "work");
  EXPECT_TRUE(PoolHasNothing());
  Reply(left_, "late");
  Reply(again, "1");
  Reply(right_, "2");
  const TestJob merge = Job();
  EXPECT_EQ(merge.content, "work12");
  Lose(merge);
  const TestJob merge_again = Job();
  EXPECT_EQ(merge_again.attempt, 1u);
  EXPECT_EQ(merge_again.content, "work12");
  Reply(merge_again, "merged");
  EXPECT_THAT(client.Read(), EndsWith("merged"));
}

TEST_F(SplitJobsTest, APartThatCrashesTwiceEndsTheJobAndCancelsTheOthers) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  Lose(left_);
  Lose(Job());
  EXPECT_THAT(client.Read(), HasSubstr("tried twice: the second process"));
  EXPECT_TRUE(IsCancelled(right_));
  Reply(right_, "2");
  EXPECT_TRUE(PoolHasNothing());
  EXPECT_EQ(PayloadBytes(), 0u);
  EXPECT_EQ(worker().crashes().size(), 2u) << "of the whole job's payload";
  EXPECT_EQ(worker().crashes()[0].bytes, 4u);
}

TEST_F(SplitJobsTest, APartsErrorIsTheJobs) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  worker().ReplyError(right_.id, ErrorCode::kInvalidArgument);
  Settle();
  EXPECT_THAT(client.Read(), AllOf(HasSubstr("invalid_argument"), HasSubstr("of the handler")));
  EXPECT_TRUE(IsCancelled(left_));
  worker().ReplyError(left_.id);
  Settle();
  EXPECT_EQ(client.Read(), "");
}

TEST_F(SplitJobsTest, TheDeadlineReachesAllParts) {
  config_.handlers[kWorkHandler].deadline = absl::Seconds(2);
  TestClient client = Ask("work");
  SplitInTwo(Job());
  Reply(left_, "1");
  Advance(absl::Seconds(3));
  EXPECT_THAT(client.Read(), HasSubstr("deadline_exceeded"));
  EXPECT_TRUE(IsCancelled(right_));
  EXPECT_EQ(PayloadBytes(), kShared) << "its process may still write there";
  Reply(right_, "2");
  EXPECT_EQ(PayloadBytes(), 0u);
  EXPECT_TRUE(PoolHasNothing());
}

TEST_F(SplitJobsTest, WaitsInTheBacklogAsOneJobWhateverItsParts) {
  config_.pools[0].queue = 2;
  board_.MutableHeader().bays[0].pool_ready[0] = 1;
  config_.pools[0].prefetch_auto = false;
  config_.pools[0].prefetch = 0;
  TestClient client = Ask("work");
  const TestJob whole = Job();
  std::vector<std::string> parts;
  for (int i = 0; i < 40; ++i) parts.push_back(absl::StrCat(i));
  Send(SplitReply(whole, parts));
  EXPECT_EQ(Queued(), 1u);
  TestClient second = Ask("another");  // there is a place for it
  EXPECT_EQ(second.Read(), "");
  // They take turns: a job of many parts holds nobody up.
  std::vector<std::string> order;
  for (int i = 0; i < 41; ++i) {
    const TestJob job = Job();
    order.push_back(job.envelope.kind() == proto::PART ? job.envelope.what() : job.content);
    EXPECT_LE(Queued(), 2u);
    Reply(job, job.envelope.kind() == proto::PART ? "" : "done");
  }
  EXPECT_LT(std::find(order.begin(), order.end(), "another") - order.begin(), 3);
  EXPECT_THAT(second.Read(), EndsWith("done"));
  Reply(Job(), "merged");
  EXPECT_THAT(client.Read(), EndsWith("merged"));
}

TEST_F(SplitJobsTest, AnOperatorMayDropOneByAnyOfItsParts) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  ASSERT_TRUE(worker().io().dispatchers->DropWaiting(JobId::FromWord(right_.id)));
  Settle();
  EXPECT_THAT(client.Read(),
              AllOf(HasSubstr("unavailable"), HasSubstr("the job was dropped by an operator")));
  EXPECT_TRUE(IsCancelled(left_) || IsCancelled(right_));
}

TEST_F(SplitJobsTest, AServerThatStopsAnswersThemOnce) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  worker().io().dispatchers->AnswerAll(ErrorCode::kUnavailable, "stopping");
  Settle();
  EXPECT_THAT(client.Read(), AllOf(HasSubstr("unavailable"), HasSubstr("stopping")));
  Reply(left_, "1");
  EXPECT_EQ(client.Read(), "");
}

// Whatever a process sends: an error for its own job, and nothing is kept.
class BrokenSplitsTest : public SplitJobsTest {
 protected:
  void Expect(const std::function<void(proto::Reply*, std::vector<int>*)>& breakage) {
    TestClient client = Ask("work");
    proto::Reply reply = SplitReply(Job(), {"left", "right"});
    shared_ = *MemfdCreate("parts", kShared);
    ASSERT_TRUE(AddSeals(shared_.get(), F_SEAL_SHRINK | F_SEAL_GROW).ok());
    reply.set_shared_bytes(kShared);
    std::vector<int> fds = {shared_.get()};
    breakage(&reply, &fds);
    Send(reply, fds);
    EXPECT_THAT(client.Read(),
                AllOf(HasSubstr("handler_failed"), HasSubstr("the pool sent a broken answer")));
    EXPECT_TRUE(PoolHasNothing());
    EXPECT_EQ(PayloadBytes(), 0u);
  }
};

TEST_F(BrokenSplitsTest, OfAnotherHandler) {
  Expect([](auto* reply, auto*) { reply->set_handler(1); });
}
TEST_F(BrokenSplitsTest, OfNoHandler) {
  Expect([](auto* reply, auto*) { reply->set_handler(0); });
}
TEST_F(BrokenSplitsTest, InAnError) {
  Expect([](auto* reply, auto*) { reply->set_is_error(true); });
}
TEST_F(BrokenSplitsTest, OfTooManyParts) {
  Expect([](auto* reply, auto*) {
    for (int i = 0; i < 63; ++i) reply->add_parts("x");
  });
}
TEST_F(BrokenSplitsTest, OfAPartTooLong) {
  Expect([](auto* reply, auto*) { reply->add_parts(std::string(1025, 'x')); });
}
TEST_F(BrokenSplitsTest, WithoutTheMemory) {
  Expect([](auto*, auto* fds) { fds->clear(); });
}
TEST_F(BrokenSplitsTest, OfAnotherSize) {
  Expect([](auto* reply, auto*) { reply->set_shared_bytes(kShared + 1); });
}
TEST_F(BrokenSplitsTest, OfMoreThanThereIs) {
  Expect([](auto* reply, auto*) { reply->set_shared_bytes(uint64_t{1} << 40); });
}
TEST_F(BrokenSplitsTest, InMemoryThatCanShrink) {
  const OwnedFd open = *MemfdCreate("parts", kShared);
  Expect([&](auto*, auto* fds) { fds->at(0) = open.get(); });
}
TEST_F(BrokenSplitsTest, InNoMemory) {
  const OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Expect([&](auto*, auto* fds) { fds->at(0) = null.get(); });
}

TEST_F(SplitJobsTest, APartIsNotSplitAgain) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  Send(SplitReply(left_, {"again"}));
  EXPECT_THAT(client.Read(), HasSubstr("broken answer"));
  EXPECT_TRUE(IsCancelled(right_));
}

TEST_F(SplitJobsTest, APartsResultIsBounded) {
  TestClient client = Ask("work");
  SplitInTwo(Job());
  Reply(left_, std::string(513, 'x'));
  EXPECT_THAT(client.Read(), HasSubstr("broken answer"));
}

TEST_F(SplitJobsTest, PiecesBeyondWhatIsSharedAreRefused) {
  TestClient client = Ask("work");
  proto::Reply reply;
  reply.set_id(ReachMerge().id);
  proto::Piece* const piece = reply.add_pieces();
  piece->set_source(proto::Piece::SHARED);
  piece->set_offset(kShared - 4);
  piece->set_bytes(5);
  Send(reply);
  EXPECT_THAT(client.Read(), HasSubstr("broken answer"));
}

// Each would hold a descriptor for as long as the client does not read.
TEST_F(SplitJobsTest, MorePiecesThanAResponseMayHaveAreRefused) {
  TestClient client = Ask("work");
  proto::Reply reply;
  reply.set_id(ReachMerge().id);
  for (int i = 0; i < 17; ++i) {
    proto::Piece* const piece = reply.add_pieces();
    piece->set_source(proto::Piece::SHARED);
    piece->set_bytes(1);
  }
  Send(reply);
  EXPECT_THAT(client.Read(), HasSubstr("broken answer"));
}

// What was begun is finished first: it holds memory.
TEST_F(SplitJobsTest, PartsGoBeforeYoungerJobsOfTheirClient) {
  board_.MutableHeader().bays[0].pool_ready[0] = 1;
  config_.pools[0].prefetch_auto = false;
  config_.pools[0].prefetch = 0;
  TestClient client = Ask("older");
  SendWhole(&client, "younger");
  const TestJob older = Job();
  Send(SplitReply(older, {"1", "2", "3"}));
  for (int i = 0; i < 3; ++i) {
    const TestJob part = Job();
    EXPECT_EQ(part.envelope.kind(), proto::PART) << part.content;
    Reply(part, "");
  }
  const TestJob merge = Job();
  EXPECT_EQ(merge.envelope.kind(), proto::MERGE);
  Reply(merge, "merged");
  EXPECT_EQ(Job().content, "younger");
}

TEST_F(SplitJobsTest, AServerThatStopsAnswersThoseThatMerge) {
  TestClient client = Ask("work");
  const TestJob merge = ReachMerge();
  worker().io().dispatchers->AnswerAll(ErrorCode::kUnavailable, "stopping");
  Settle();
  EXPECT_THAT(client.Read(), HasSubstr("stopping"));
  Reply(merge, "late");
  EXPECT_EQ(client.Read(), "");
  EXPECT_EQ(PayloadBytes(), 0u);
}

TEST_F(SplitJobsTest, ASplitOfAJobThatNobodyWaitsForIsDropped) {
  TestClient client = Ask("work");
  const TestJob whole = Job();
  client.Close();
  Settle();
  Send(SplitReply(whole, {"left", "right"}));
  EXPECT_TRUE(PoolHasNothing());
}

TEST_F(SplitJobsTest, OnlyAMergeHasSharedPieces) {
  TestClient client = Ask("work");
  proto::Reply reply;
  reply.set_id(Job().id);
  proto::Piece* const piece = reply.add_pieces();
  piece->set_source(proto::Piece::SHARED);
  piece->set_bytes(5);
  Send(reply);
  EXPECT_THAT(client.Read(), HasSubstr("broken answer"));
}

}  // namespace
}  // namespace windlass
