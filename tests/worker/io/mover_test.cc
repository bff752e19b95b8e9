#include "worker/io/mover.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/worker/io/worker_fixture.h"

namespace windlass {
namespace {

using proto::Verdicts;

TEST(SurplusConnections, IsWhatOneHasBeyondTheMeanRoundedUp) {
  struct Case {
    uint32_t own;
    uint64_t total;
    uint32_t workers;
    uint32_t surplus;
  };
  for (const Case& that : std::vector<Case>{{0, 0, 1, 0},
                                            {10, 10, 1, 0},
                                            {10, 10, 2, 5},
                                            {10, 11, 2, 4},
                                            {3, 9, 3, 0},
                                            {4, 9, 3, 1},
                                            {2, 9, 3, 0},
                                            {1, 1, 64, 0},
                                            {2, 2, 64, 1},
                                            {100, 100, 64, 98},
                                            {0, 1'000'000, 2, 0},
                                            {UINT32_MAX, UINT32_MAX, 1, 0},
                                            {UINT32_MAX, UINT32_MAX, 2, UINT32_MAX / 2}}) {
    EXPECT_EQ(SurplusConnections(that.own, that.total, that.workers), that.surplus)
        << that.own << " of " << that.total << " in " << that.workers;
  }
}

TEST(SurplusConnections, LeavesNobodyWithMoreThanTheMeanAndNobodyGivesBelowIt) {
  for (uint32_t own = 0; own < 60; ++own) {
    for (uint32_t others = 0; others < 60; ++others) {
      for (uint32_t workers = 1; workers < 9; ++workers) {
        const uint32_t left = own - SurplusConnections(own, own + others, workers);
        ASSERT_LE(left, (own + others + workers - 1) / workers);
        if (left != own) {
          ASSERT_GE(left * workers, own + others);
        }
      }
    }
  }
}

// A worker that leaves and one that takes its clients.
class MoverTest : public WorkersTest {
 protected:
  MoverTest() : from_(AddWorker()), to_(AddWorker()) {}

  void Leave() {
    from_.BeginLeaving();
    Settle();
  }
  void LeaveTo(TestWorker& to) {
    Link(from_, to);
    Leave();
  }
  // The test is the other worker. It is said to be at slot `to`.
  OtherWorker LinkByHand(uint32_t to = 1, bool even_out = false) {
    board_.MutableSlot(SlotIndex{to}).state.store(ProcessState::kServing);
    PacketPair link = *SeqPacketPair(kChannelBufferBytes);
    from_.AddGivingLink(std::move(link.send_end), to, even_out);
    return OtherWorker(std::move(link.receive_end));
  }
  std::string Ask(TestClient& client, absl::string_view bytes) {
    EXPECT_EQ(client.Send(bytes), bytes.size());
    Settle();
    return client.Read();
  }
  // Sends until the server takes no more for now.
  void SendAll(TestClient& client, std::string* bytes) {
    while (!bytes->empty()) {
      const size_t taken = client.Send(*bytes);
      bytes->erase(0, taken);
      Settle();
      if (taken == 0) return;
    }
  }
  std::string ReadAll(TestClient& client) {
    std::string all;
    for (;;) {
      Settle();
      const std::string chunk = client.Read();
      if (chunk.empty()) return all;
      all += chunk;
    }
  }
  TestJob NextJob(TestWorker& worker) {
    Settle();
    const std::optional<TestJob> job = worker.TakeJob();
    EXPECT_TRUE(job.has_value());
    return job.value_or(TestJob{});
  }
  // How the clients are spread.
  std::pair<size_t, size_t> Spread() { return {from_.connections(), to_.connections()}; }

  static constexpr int kSmallBuffer = 4096;
  TestWorker& from_;
  TestWorker& to_;
};

std::string NumberedLines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) absl::StrAppend(&lines, "line number ", i, "\n");
  return lines;
}

// --- What the client notices: nothing

TEST_F(MoverTest, AnIdleClientIsServedByTheOtherWorkerFromThenOn) {
  TestClient client = from_.Accept(kLine);
  EXPECT_EQ(Ask(client, "one\n"), "one\n");
  LeaveTo(to_);
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  EXPECT_EQ(Ask(client, "two\n"), "two\n");
  EXPECT_EQ(from_.slot().moved_out.load(), 1u);
  EXPECT_EQ(to_.slot().moved_in.load(), 1u);
  EXPECT_FALSE(client.IsClosed());
}

TEST_F(MoverTest, HalfALineGoesOnAtTheOtherWorker) {
  TestClient client = from_.Accept(kLine);
  EXPECT_EQ(Ask(client, "one\nha"), "one\n");
  LeaveTo(to_);
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  EXPECT_EQ(Ask(client, "lf\n"), "half\n");
}

TEST_F(MoverTest, WhatArrivesDuringTheMoveIsReadByTheOtherWorkerAlone) {
  TestClient client = from_.Accept(kLine);
  OtherWorker other = LinkByHand();
  Leave();
  const std::optional<IncomingConnection> moved = other.TakeOffer();
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(Ask(client, "one\n"), "");
  char read[10];
  EXPECT_EQ(::recv(moved->socket.get(), read, sizeof(read), MSG_DONTWAIT), 4);
  other.Answer(Verdicts::TAKEN);
  Settle();
  EXPECT_EQ(from_.connections(), 0u);
  EXPECT_FALSE(client.IsClosed()) << "the other worker has it";
}

TEST_F(MoverTest, AnswersThatTheClientDoesNotReadAreSentByTheOtherWorker) {
  TestClient client = from_.Accept(kLine, kSmallBuffer);
  const std::string lines = NumberedLines(20'000);
  std::string unsent = lines;
  SendAll(client, &unsent);
  std::string read = client.Read(5000);
  LeaveTo(to_);
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  for (size_t had = 0; had != read.size() || !unsent.empty();) {
    had = read.size();
    SendAll(client, &unsent);
    read += ReadAll(client);
  }
  EXPECT_TRUE(read == lines) << read.size() << " of " << lines.size();
}

TEST_F(MoverTest, LargeContentOfWhichAPartHasArrivedGoesOnAtTheOtherWorker) {
  std::string content(300'000, 'c');
  for (size_t i = 0; i < content.size(); i += 7) content[i] = static_cast<char>('a' + i % 23);
  const std::string request = absl::StrCat(content.size(), "\n", content);
  for (const size_t arrived : {1, 7, 8, 33'000, 100'000, 300'006}) {
    SCOPED_TRACE(arrived);
    TestClient client = from_.Accept(kLength);
    std::string first = request.substr(0, arrived);
    SendAll(client, &first);
    if (arrived == 1) Link(from_, to_);
    Leave();
    ASSERT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
    std::string rest = request.substr(arrived);
    SendAll(client, &rest);
    EXPECT_TRUE(ReadAll(client) == content);
    EXPECT_EQ(Ask(client, "4\nnext"), "next");
    client.Close();
    Settle();
    from_.StartAnew();
  }
}

TEST_F(MoverTest, LinesLargerThanAPacketMoveInMemory) {
  TestClient client = from_.Accept(kLine);
  std::string half(60'000, 'h');
  SendAll(client, &half);
  LeaveTo(to_);
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  EXPECT_EQ(Ask(client, "!\n"), std::string(60'000, 'h') + "!\n");
}

TEST_F(MoverTest, AHalfClosedClientGetsItsAnswersFromTheOtherWorkerAndThenTheEnd) {
  TestClient client = from_.Accept(kLine, kSmallBuffer);
  const std::string lines = NumberedLines(10'000);
  std::string unsent = lines;
  SendAll(client, &unsent);
  ASSERT_EQ(unsent, "");
  client.ShutWrite();
  Settle();
  ASSERT_EQ(from_.only()->state(), ConnState::kHalfClosed);
  LeaveTo(to_);
  ASSERT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  EXPECT_EQ(to_.only()->state(), ConnState::kHalfClosed);
  EXPECT_TRUE(ReadAll(client) == lines);
  EXPECT_TRUE(client.IsClosed());
  EXPECT_EQ(to_.connections(), 0u);
}

TEST_F(MoverTest, JobsThatRunAreAnsweredBeforeTheMoveAndLaterRequestsAreTheOthers) {
  TestClient client = from_.Accept(kWork);
  client.Send("first\n");
  const TestJob first = NextJob(from_);
  LeaveTo(to_);
  client.Send("second\n");
  Settle();
  EXPECT_EQ(Spread(), std::make_pair(size_t{1}, size_t{0})) << "the answer is awaited";
  EXPECT_FALSE(from_.TakeJob().has_value());
  from_.Reply(first.id, "1");
  Settle();
  EXPECT_EQ(client.Read(), "1\n");
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  const TestJob second = NextJob(to_);
  EXPECT_EQ(second.content, "second");
  to_.Reply(second.id, "2");
  Settle();
  EXPECT_EQ(client.Read(), "2\n");
}

TEST_F(MoverTest, PipelinedAnswersKeepTheirOrderAcrossTheMove) {
  TestClient client = from_.Accept(kWork, kSmallBuffer);
  client.Send("a\nb\n");
  const TestJob a = NextJob(from_);
  const TestJob b = NextJob(from_);
  LeaveTo(to_);
  from_.Reply(b.id, "B");
  from_.Reply(a.id, std::string(30'000, 'A'));
  Settle();
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  client.Send("c\n");
  to_.Reply(NextJob(to_).id, "C");
  EXPECT_EQ(ReadAll(client), std::string(30'000, 'A') + "\nB\nC\n");
}

TEST_F(MoverTest, FilesThatAreNotSentYetMoveAsFiles) {
  OwnedFd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  const std::string content = NumberedLines(2000);
  ASSERT_EQ(::write(file.get(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  TestClient client = from_.Accept(kWork, kSmallBuffer);
  client.Send("files\n");
  const std::vector<int> files(3, file.get());
  from_.ReplyWithFiles(NextJob(from_).id, files, content.size());
  Settle();
  std::string read = client.Read(5000);  // the first one is half sent
  LeaveTo(to_);
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  read += ReadAll(client);
  EXPECT_TRUE(read == content + content + content + "\n") << read.size();
}

TEST_F(MoverTest, MoreFilesThanAPacketHoldsMoveWhenTheClientHasTakenSome) {
  OwnedFd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  const std::string content(20'000, 'f');
  ASSERT_EQ(::write(file.get(), content.data(), content.size()), 20'000);
  TestClient client = from_.Accept(kWork, kSmallBuffer);
  client.Send("ten\nten more\n");
  const std::vector<int> files(10, file.get());
  for (int i = 0; i < 2; ++i) from_.ReplyWithFiles(NextJob(from_).id, files, content.size());
  Settle();
  LeaveTo(to_);
  EXPECT_EQ(Spread(), std::make_pair(size_t{1}, size_t{0}));
  std::string read;
  while (to_.connections() == 0 && read.size() < 400'000) {
    read += client.Read(3000);
    Settle();
  }
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  EXPECT_GT(read.size(), 4 * content.size());
  read += ReadAll(client);
  EXPECT_EQ(read.size(), 20 * content.size() + 2);
}

TEST_F(MoverTest, TheRestOfRefusedContentIsDroppedByTheOtherWorker) {
  const std::string header =
      R"({"byteorder": "big", "content-length": 100000, "content-encoding": "binary"})";
  std::string request{'\0', static_cast<char>(header.size())};
  request += header + std::string(100'000, 'x');
  const std::string no_handler =
      R"({"byteorder":"big","content-length":0,"content-encoding":"b","content-type":"b","handler":"-"})";
  const std::string next{'\0', static_cast<char>(no_handler.size())};
  TestClient client = from_.Accept(kMessage);
  std::string first = request.substr(0, 50'000);
  SendAll(client, &first);
  EXPECT_NE(client.Read(), "") << "the refusal";
  ASSERT_EQ(from_.only()->state(), ConnState::kSkippingContent);
  LeaveTo(to_);
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  std::string rest = request.substr(50'000) + next + no_handler;
  SendAll(client, &rest);
  EXPECT_NE(ReadAll(client).find("no handler '-'"), std::string::npos);
}

TEST_F(MoverTest, AClientThatWasSilentForAWhileIsNotGivenMoreTime) {
  TestClient client = from_.Accept(kLine);
  EXPECT_EQ(Ask(client, "one\n"), "one\n");
  Advance(absl::Minutes(4));
  LeaveTo(to_);
  Advance(absl::Seconds(55));
  EXPECT_EQ(to_.connections(), 1u);
  Advance(absl::Seconds(20));
  EXPECT_EQ(to_.connections(), 0u);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(MoverTest, ClientsThatWaitedToBeAcceptedMoveToo) {
  LeaveTo(to_);
  TestClient late = from_.Accept(kLine);
  EXPECT_EQ(Ask(late, "one\n"), "one\n");
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
}

TEST_F(MoverTest, OneThatLeavesWithoutClientsOffersNothing) {
  OtherWorker other = LinkByHand();
  Leave();
  EXPECT_FALSE(other.TakeOffer().has_value());
  EXPECT_EQ(from_.connections(), 0u);
}

// --- Answers that close

TEST_F(MoverTest, AnAnswerAfterWhichTheConnectionClosesClosesItAtTheOtherWorker) {
  // `line` has no room for errors: closing is the answer, and nothing may come in its place.
  TestClient client = from_.Accept(kWork, kSmallBuffer);
  client.Send("large\nfails\nnever answered\n");
  const TestJob large = NextJob(from_), fails = NextJob(from_), last = NextJob(from_);
  from_.Reply(large.id, std::string(30'000, 'L'));
  from_.ReplyError(fails.id);
  from_.Reply(last.id, "never sent");
  Settle();
  LeaveTo(to_);
  EXPECT_EQ(ReadAll(client), std::string(30'000, 'L') + "\n");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(MoverTest, OneThatFinishesFinishesAtTheOtherWorker) {
  config_.listeners[kLine].keepalive = false;
  TestClient client = from_.Accept(kLine, kSmallBuffer);
  const std::string line(60'000, 'l');
  std::string request = line + "\nnot taken\n";
  SendAll(client, &request);
  ASSERT_EQ(from_.only()->state(), ConnState::kFinishing);
  LeaveTo(to_);
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  EXPECT_TRUE(ReadAll(client) == line + "\n");
  EXPECT_TRUE(client.IsClosed());
}

// --- Time

TEST_F(MoverTest, TimeInWhichNobodyReadsIsNotTheTimeOfAFrame) {
  TestClient client = from_.Accept(kWork);
  client.Send("long job\nhal");
  const TestJob job = NextJob(from_);
  LeaveTo(to_);
  Advance(config_.listeners[kWork].frame_timeout + absl::Seconds(5));
  client.Send("f\n");  // in the kernel: this worker reads no more
  from_.Reply(job.id, "done");
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(client.Read(), "done\n");
  ASSERT_FALSE(client.IsClosed());
  EXPECT_EQ(NextJob(to_).content, "half");
}

TEST_F(MoverTest, TimeInWhichNobodyReadsIsNotTheTimeOfAFrameAfterARefusalEither) {
  TestClient client = from_.Accept(kWork);
  client.Send("long job\nhal");
  const TestJob job = NextJob(from_);
  to_.Say(Verdicts::FULL);
  LeaveTo(to_);
  Advance(config_.listeners[kWork].frame_timeout + absl::Seconds(5));
  client.Send("f\n");
  from_.Reply(job.id, "done");
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(client.Read(), "done\n");
  ASSERT_FALSE(client.IsClosed());
  EXPECT_EQ(NextJob(from_).content, "half");
}

TEST_F(MoverTest, TimeAtTheLimitIsNotTheTimeOfAFrame) {
  config_.listeners[kWork].max_in_flight = 1;
  TestClient client = from_.Accept(kWork);
  client.Send("long job\nhal");
  const TestJob job = NextJob(from_);
  ASSERT_EQ(from_.only()->state(), ConnState::kAtLimit);
  Advance(config_.listeners[kWork].frame_timeout + absl::Seconds(5));
  LeaveTo(to_);
  client.Send("f\n");
  from_.Reply(job.id, "done");
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(client.Read(), "done\n");
  ASSERT_FALSE(client.IsClosed());
  EXPECT_EQ(NextJob(to_).content, "half");
}

TEST_F(MoverTest, AFrameThatBeginsBehindOthersHasItsWholeTime) {
  // The first job fills the connection, so that two requests and a half wait as bytes.
  config_.listeners[kWork].max_in_flight = 1;
  TestClient client = from_.Accept(kWork);
  client.Send("one\ntwo\nthr");
  const TestJob job = NextJob(from_);
  Advance(config_.listeners[kWork].frame_timeout + absl::Seconds(5));
  LeaveTo(to_);
  from_.Reply(job.id, "1");
  Advance(absl::Milliseconds(100));
  to_.Reply(NextJob(to_).id, "2");
  Advance(absl::Milliseconds(100));
  client.Send("ee\n");
  EXPECT_EQ(ReadAll(client), "1\n2\n");
  ASSERT_FALSE(client.IsClosed());
  EXPECT_EQ(NextJob(to_).content, "three");
}

TEST_F(MoverTest, LargeContentThatComesSlowlyIsNotGivenMoreTimeByAMove) {
  TestClient client = from_.Accept(kLength);
  std::string begun = "100000\n" + std::string(40'000, 'c');
  SendAll(client, &begun);
  ASSERT_EQ(from_.only()->state(), ConnState::kReceivingContent);
  Advance(absl::Seconds(25));
  LeaveTo(to_);
  ASSERT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  Advance(absl::Seconds(10));
  EXPECT_TRUE(client.IsClosed()) << "frame_timeout is 30 s for the whole frame";
}

// --- What the other worker may say, or not

TEST_F(MoverTest, ARefusedClientGoesOnHereAndIsOfferedAgainLater) {
  TestClient client = from_.Accept(kLine);
  to_.Say(Verdicts::FULL);
  LeaveTo(to_);
  EXPECT_EQ(Spread(), std::make_pair(size_t{1}, size_t{0}));
  EXPECT_EQ(Ask(client, "one\n"), "one\n");
  to_.Say(std::nullopt);
  Advance(absl::Milliseconds(200));
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  EXPECT_EQ(Ask(client, "two\n"), "two\n");
}

TEST_F(MoverTest, ARefusedClientsBytesAreAllStillThere) {
  for (const Verdicts::Outcome refusal : {Verdicts::FULL, Verdicts::NOT_UNDERSTOOD}) {
    TestClient client = from_.Accept(kLine, kSmallBuffer);
    const std::string lines = NumberedLines(5000);
    std::string unsent = lines + "ha";
    SendAll(client, &unsent);
    OtherWorker other = LinkByHand();
    Leave();
    EXPECT_TRUE(other.TakeOffer().has_value());
    client.Send("lf\n");
    other.Answer(refusal);
    Settle();
    EXPECT_TRUE(ReadAll(client) == lines + "half\n");
    client.Close();
    Settle();
    other.Die();
    Settle();
    from_.StartAnew();
  }
}

TEST_F(MoverTest, AnOutcomeThatNobodyKnowsIsARefusal) {
  TestClient client = from_.Accept(kLine);
  OtherWorker other = LinkByHand();
  Leave();
  EXPECT_TRUE(other.TakeOffer().has_value());
  other.Answer(static_cast<Verdicts::Outcome>(9));
  Settle();
  EXPECT_EQ(Ask(client, "one\n"), "one\n");
}

TEST_F(MoverTest, WhereTheListenerIsGoneTheClientGetsItsAnswersAndThenTheEnd) {
  TestClient client = from_.Accept(kLine);
  OtherWorker other = LinkByHand();
  Leave();
  EXPECT_TRUE(other.TakeOffer().has_value());
  client.Send("one\ntwo\nthr");
  other.Answer(Verdicts::NO_LISTENER);
  Settle();
  EXPECT_EQ(client.Read(), "one\ntwo\n");
  Advance(absl::Seconds(1.1));  // the rest of the third one does not come
  EXPECT_TRUE(client.IsClosed());
  client.Close();
  Settle();
  EXPECT_EQ(from_.connections(), 0u);
}

TEST_F(MoverTest, AWorkerThatDiesBeforeItsVerdictHasNotTakenTheClient) {
  TestClient client = from_.Accept(kLine);
  EXPECT_EQ(Ask(client, "ha"), "");
  {
    OtherWorker other = LinkByHand();
    Leave();
    EXPECT_TRUE(other.TakeOffer().has_value());
  }
  EXPECT_EQ(Ask(client, "lf\n"), "half\n");
  EXPECT_EQ(from_.slot().moved_out.load(), 0u);
}

TEST_F(MoverTest, AWorkerThatDiesWithOffersUnreadHasNotTakenThem) {
  TestClient first = from_.Accept(kLine), second = from_.Accept(kLine);
  {
    OtherWorker other = LinkByHand();
    Leave();
  }
  EXPECT_EQ(Ask(first, "one\n"), "one\n");
  EXPECT_EQ(Ask(second, "two\n"), "two\n");
}

// What it said before it died counts, also when other offers were still on their way to it: the
// client's next bytes may have been read there.
TEST_F(MoverTest, AWorkerThatDiesAfterItsVerdictHasTakenTheClientWhateverElseItHadBeenOffered) {
  TestClient first = from_.Accept(kLine), second = from_.Accept(kLine);
  {
    OtherWorker other = LinkByHand();
    Leave();
    EXPECT_TRUE(other.TakeOffer().has_value());
    other.Answer(Verdicts::TAKEN);
  }
  Settle();
  EXPECT_EQ(from_.slot().moved_out.load(), 1u);
  EXPECT_EQ(from_.connections(), 1u);
  EXPECT_TRUE(first.IsClosed() != second.IsClosed()) << "the one that was taken died with it";
}

TEST_F(MoverTest, AfterAWorkersDeathTheClientMovesToAnother) {
  TestClient client = from_.Accept(kLine);
  { OtherWorker other = LinkByHand(); }
  Leave();
  Advance(absl::Seconds(1));
  client.Send("one\n");
  Settle();
  Link(from_, to_);
  Settle();
  EXPECT_EQ(Spread(), std::make_pair(size_t{0}, size_t{1}));
  EXPECT_EQ(client.Read(), "one\n");
}

TEST_F(MoverTest, VerdictsThatAreNonsenseChangeNothing) {
  TestClient client = from_.Accept(kLine);
  OtherWorker other = LinkByHand();
  Leave();
  EXPECT_TRUE(other.TakeOffer().has_value());
  other.Answer(other.offer_id() + 1, Verdicts::TAKEN);
  other.Answer(0, Verdicts::TAKEN);
  other.SendBytes("no verdict");
  other.SendBytes(std::string(20'000, '\x7f'));
  Settle();
  EXPECT_EQ(from_.connections(), 1u);
  other.Answer(Verdicts::TAKEN);
  Settle();
  EXPECT_EQ(from_.connections(), 0u);
}

TEST_F(MoverTest, ASecondVerdictOnTheSameOfferCountsForNothing) {
  TestClient client = from_.Accept(kLine);
  OtherWorker other = LinkByHand();
  Leave();
  EXPECT_TRUE(other.TakeOffer().has_value());
  other.Answer(Verdicts::FULL);
  other.Answer(Verdicts::TAKEN);
  Settle();
  EXPECT_EQ(from_.connections(), 1u);
  EXPECT_EQ(Ask(client, "one\n"), "one\n");
}

TEST_F(MoverTest, AClientThatGoesAwayDuringTheMoveIsForgottenWhateverTheVerdict) {
  for (const Verdicts::Outcome verdict : {Verdicts::TAKEN, Verdicts::FULL, Verdicts::NO_LISTENER}) {
    TestClient client = from_.Accept(kLine);
    OtherWorker other = LinkByHand();
    Leave();
    EXPECT_TRUE(other.TakeOffer().has_value());
    client.Close();
    Settle();
    EXPECT_EQ(from_.connections(), 1u);
    other.Answer(verdict);
    Settle();
    EXPECT_EQ(from_.connections(), 0u);
    other.Die();
    Settle();
    from_.StartAnew();
  }
}

TEST_F(MoverTest, TheEndOfAllLinksIsNotTheEndOfTheClients) {
  TestClient client = from_.Accept(kLine);
  { OtherWorker other = LinkByHand(); }
  Leave();
  EXPECT_EQ(from_.connections(), 1u);
  EXPECT_FALSE(client.IsClosed());
}

// --- Draining instead

TEST_F(MoverTest, WhenTheServerStopsDuringTheMoveWhatTheClientHasSentIsAnswered) {
  TestClient client = from_.Accept(kLine);
  Leave();  // and nobody to go to
  client.Send("one\n");
  Settle();
  from_.Drain();
  Settle();
  EXPECT_EQ(client.Read(), "one\n");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(MoverTest, AMoveThatIsRefusedWhileTheServerStopsEndsWithTheAnswers) {
  TestClient client = from_.Accept(kLine);
  OtherWorker other = LinkByHand();
  Leave();
  EXPECT_TRUE(other.TakeOffer().has_value());
  client.Send("one\n");
  from_.Drain();
  other.Answer(Verdicts::FULL);
  Settle();
  EXPECT_EQ(client.Read(), "one\n");
  EXPECT_TRUE(client.IsClosed());
}

// --- Whom to offer what

TEST_F(MoverTest, EachClientIsOfferedOnceAndNotTooManyAreOnTheirWay) {
  std::vector<TestClient> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(from_.Accept(kLine));
  OtherWorker other = LinkByHand();
  Leave();
  std::set<uint64_t> offered, inodes;
  std::vector<IncomingConnection> taken;
  while (std::optional<IncomingConnection> moved = other.TakeOffer()) {
    offered.insert(other.offer_id());
    inodes.insert(IdentifyFile(moved->socket.get())->inode);
    taken.push_back(*std::move(moved));
  }
  EXPECT_EQ(taken.size(), 64u);
  EXPECT_EQ(offered.size(), 64u);
  EXPECT_EQ(inodes.size(), 64u);
  for (const uint64_t id : offered) other.Answer(id, Verdicts::TAKEN);
  Settle();
  EXPECT_EQ(from_.connections(), 36u);
  while (other.TakeOffer()) other.Answer(Verdicts::TAKEN);
  Settle();
  EXPECT_EQ(from_.connections(), 0u);
}

TEST_F(MoverTest, TheWorkerWithTheFewestClientsIsAskedFirst) {
  board_.MutableSlot(SlotIndex{2}).connections.store(5);
  board_.MutableSlot(SlotIndex{3}).connections.store(2);
  std::vector<TestClient> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(from_.Accept(kLine));
  OtherWorker busy = LinkByHand(2), free = LinkByHand(3);
  Leave();
  int to_busy = 0, to_free = 0;
  while (busy.TakeOffer()) ++to_busy;
  while (free.TakeOffer()) ++to_free;
  EXPECT_EQ(to_busy, 1);
  EXPECT_EQ(to_free, 4);
}

TEST_F(MoverTest, AWorkerThatDoesNotServeIsNotAsked) {
  TestClient client = from_.Accept(kLine);
  OtherWorker draining = LinkByHand(2), serving = LinkByHand(3);
  board_.MutableSlot(SlotIndex{2}).state.store(ProcessState::kDraining);
  board_.MutableSlot(SlotIndex{3}).connections.store(100);
  Leave();
  EXPECT_FALSE(draining.TakeOffer().has_value());
  EXPECT_TRUE(serving.TakeOffer().has_value());
}

TEST_F(MoverTest, AWorkerThatSaysNothingDoesNotHoldUpTheOthers) {
  board_.MutableSlot(SlotIndex{3}).connections.store(1000);
  std::vector<TestClient> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(from_.Accept(kLine));
  OtherWorker silent = LinkByHand(2), other = LinkByHand(3);
  Leave();
  Advance(absl::Seconds(1));
  size_t offered = 0;
  while (other.TakeOffer()) ++offered;
  EXPECT_EQ(offered, 36u);
}

TEST_F(MoverTest, AWorkerThatIsFullIsLeftInPeaceForAWhile) {
  board_.MutableSlot(SlotIndex{3}).connections.store(5);
  TestClient first = from_.Accept(kLine);
  OtherWorker full = LinkByHand(2), other = LinkByHand(3);
  Leave();
  EXPECT_TRUE(full.TakeOffer().has_value());
  full.Answer(Verdicts::FULL);
  Settle();
  TestClient second = from_.Accept(kLine);
  Settle();
  EXPECT_FALSE(full.TakeOffer().has_value());
  EXPECT_TRUE(other.TakeOffer().has_value());
}

TEST_F(MoverTest, EveningOutGivesIdleClientsAwayUntilTheLoadIsEven) {
  std::vector<TestClient> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(from_.Accept(kWork));
  for (TestClient& client : clients) client.Send("job\n");
  std::vector<TestJob> jobs;
  for (size_t i = 0; i < clients.size(); ++i) jobs.push_back(NextJob(from_));
  Link(from_, to_, /*even_out=*/true);
  Advance(absl::Milliseconds(500));
  EXPECT_EQ(Spread(), std::make_pair(size_t{10}, size_t{0})) << "all are busy";
  for (size_t i = 0; i < 8; ++i) from_.Reply(jobs[i].id, "done");
  Advance(absl::Milliseconds(500));
  EXPECT_EQ(Spread(), std::make_pair(size_t{5}, size_t{5}));
  for (size_t i = 8; i < 10; ++i) from_.Reply(jobs[i].id, "done");
  Advance(absl::Milliseconds(500));
  EXPECT_EQ(Spread(), std::make_pair(size_t{5}, size_t{5}));
  for (TestClient& client : clients) EXPECT_EQ(client.Read(), "done\n");
}

TEST_F(MoverTest, EveningOutEndsItsLinkWhenItIsDone) {
  std::vector<TestClient> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(from_.Accept(kLine));
  board_.MutableSlot(SlotIndex{1}).state.store(ProcessState::kNone);
  OtherWorker other = LinkByHand(2, /*even_out=*/true);
  Settle();
  EXPECT_TRUE(other.TakeOffer().has_value());
  other.Answer(Verdicts::TAKEN);
  board_.MutableSlot(SlotIndex{2}).connections.store(1);
  EXPECT_TRUE(other.TakeOffer().has_value());
  other.Answer(Verdicts::TAKEN);
  board_.MutableSlot(SlotIndex{2}).connections.store(2);
  Advance(absl::Minutes(1));
  EXPECT_EQ(from_.connections(), 2u);
  EXPECT_TRUE(other.IsAtItsEnd());
}

TEST_F(MoverTest, ARefusalDuringEveningOutLeavesTheClientServed) {
  TestClient first = from_.Accept(kLine), second = from_.Accept(kLine);
  to_.Say(Verdicts::FULL);
  Link(from_, to_, /*even_out=*/true);
  for (int i = 0; i < 5; ++i) {
    Advance(absl::Milliseconds(100));
    EXPECT_EQ(Ask(first, "one\n"), "one\n");
    EXPECT_EQ(Ask(second, "two\n"), "two\n");
  }
  EXPECT_EQ(Spread(), std::make_pair(size_t{2}, size_t{0}));
}

// --- Generated

// Moves the only client there is to and fro.
class ToAndFroTest : public MoverTest {
 protected:
  ToAndFroTest() {
    Link(from_, to_);
    Link(to_, from_);
  }
  // Where it is, it leaves; where it was, there is a new worker.
  void Move() {
    TestWorker& leaving = is_here_ ? from_ : to_;
    is_here_ = !is_here_;
    leaving.BeginLeaving();
    Settle();
  }
  void Arrived() {
    TestWorker& left = is_here_ ? to_ : from_;
    ASSERT_EQ(left.connections(), 0u);
    left.StartAnew();
  }
  TestClient Accept(TestListener listener, int send_buffer = 0) {
    return (is_here_ ? from_ : to_).Accept(listener, send_buffer);
  }

  bool is_here_ = true;
};

std::string Message(absl::string_view header, absl::string_view content) {
  return absl::StrCat(absl::string_view("\0", 1), std::string(1, static_cast<char>(header.size())),
                      header, content);
}

TEST_F(ToAndFroTest, MovesAtAnyTwoBytesOfAStreamChangeNoAnswer) {
  const std::string refused = R"({"byteorder":"big","content-length":5,"content-encoding":""})";
  const std::string unknown =
      R"({"byteorder":"big","content-length":3,"content-encoding":"","content-type":"","handler":"-"})";
  const std::pair<TestListener, std::string> streams[] = {
      {kLine, "a\n\nlonger line\nx\r\n\n"},
      {kLength, "3\nabc0\n12\nhello world!0001\nx"},
      {kEcho, "any bytes\n\n"},
      {kMessage, Message(refused, "12345") + Message(unknown, "123")},
  };
  for (const auto& [listener, stream] : streams) {
    TestClient still = Accept(listener);
    const std::string expected = Ask(still, stream);
    ASSERT_NE(expected, "");
    still.Close();
    Settle();
    for (size_t first = 0; first <= stream.size(); ++first) {
      for (size_t second = first; second <= stream.size(); second += listener == kMessage ? 7 : 1) {
        TestClient client = Accept(listener);
        std::string read = Ask(client, stream.substr(0, first));
        Move();
        Arrived();
        read += Ask(client, stream.substr(first, second - first));
        Move();
        Arrived();
        read += Ask(client, stream.substr(second));
        ASSERT_EQ(read, expected) << "listener " << listener << ", " << first << ", " << second;
        client.Close();
        Settle();
      }
    }
  }
}

class RandomMovesTest : public ToAndFroTest, public testing::WithParamInterface<TestListener> {
 protected:
  // A request, and its answer's bytes.
  std::pair<std::string, std::string> Request() {
    const size_t kind = random_() % 8;
    const size_t bytes = kind == 0  ? random_() % 60'000
                         : kind < 3 ? random_() % 3000
                                    : random_() % 40;
    std::string body(bytes, static_cast<char>('a' + random_() % 26));
    if (bytes > 2) body[bytes / 2] = '#';
    switch (GetParam()) {
      case kLength:
        if (kind == 1) body.append(100'000, 'L');
        return {absl::StrCat(body.size(), "\n", body), body};
      case kEcho:
        return {body, body};
      default:
        return {body + "\n", body + "\n"};
    }
  }
  void AnswerJobs() {
    for (TestWorker* worker : {&from_, &to_}) {
      while (std::optional<TestJob> job = worker->TakeJob()) jobs_.emplace_back(worker, *job);
    }
    while (!jobs_.empty() && random_() % 3 != 0) {
      const size_t at = random_() % jobs_.size();
      jobs_[at].first->Reply(jobs_[at].second.id, jobs_[at].second.content);
      jobs_.erase(jobs_.begin() + static_cast<ptrdiff_t>(at));
    }
  }

  std::mt19937 random_{static_cast<uint32_t>(GetParam()) + 41};
  std::vector<std::pair<TestWorker*, TestJob>> jobs_;
};

// Clients that send, read and pause as they like, while their workers come and go.
TEST_P(RandomMovesTest, EveryByteIsAnsweredOnceAndInOrder) {
  struct Talk {
    TestClient client;
    std::string to_send, expected;
    size_t read = 0;
  };
  std::vector<Talk> talks;
  for (size_t i = 0; i < 6; ++i) talks.push_back({Accept(GetParam(), 4096), {}, {}});
  int moves = 0;
  const auto turn = [&](bool sending) {
    Talk& talk = talks[random_() % talks.size()];
    if (sending && talk.to_send.size() < 2000) {
      const auto [request, answer] = Request();
      talk.to_send += request;
      talk.expected += answer;
    }
    if (!talk.to_send.empty()) {
      const size_t chunk = 1 + random_() % talk.to_send.size();
      talk.to_send.erase(0, talk.client.Send(absl::string_view(talk.to_send).substr(0, chunk)));
    }
    if (random_() % 2 == 0) Settle();
    if (random_() % 2 == 0) {
      const std::string chunk = talk.client.Read(1 + random_() % 20'000);
      const bool is_right = talk.expected.compare(talk.read, chunk.size(), chunk) == 0;
      ASSERT_TRUE(is_right) << "other bytes after " << talk.read;
      talk.read += chunk.size();
    }
    if (random_() % 4 == 0) AnswerJobs();
    if (random_() % 7 == 0) {
      now_ = now_ + absl::Milliseconds(random_() % 30);
      Settle();
    }
    TestWorker& left = is_here_ ? to_ : from_;
    if (left.connections() > 0 || random_() % 5 != 0) return;
    left.StartAnew();
    Move();
    ++moves;
  };
  const auto all_read = [&talks] {
    return std::all_of(talks.begin(), talks.end(),
                       [](const Talk& talk) { return talk.read == talk.expected.size(); });
  };
  for (int step = 0; step < 3000 && !HasFatalFailure(); ++step) turn(true);
  for (int step = 0; step < 50'000 && !all_read() && !HasFatalFailure(); ++step) turn(false);
  for (Talk& talk : talks) {
    EXPECT_EQ(talk.read, talk.expected.size());
    EXPECT_FALSE(talk.client.IsClosed());
  }
  EXPECT_GT(moves, 50);
}

std::string NameOf(const testing::TestParamInfo<TestListener>& listener) {
  constexpr const char* kNames[] = {"Line", "Work", "Length", "Echo"};
  return kNames[listener.param];
}
INSTANTIATE_TEST_SUITE_P(, RandomMovesTest, testing::Values(kLine, kWork, kLength, kEcho), NameOf);

}  // namespace
}  // namespace windlass
