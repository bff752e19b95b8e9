// What becomes of jobs whose process crashed, and of payloads that have crashed too many.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/worker/io/worker_fixture.h"

namespace windlass {
namespace {

constexpr uint32_t kWorkHandler = 1;

class CrashedJobsTest : public WorkersTest {
 protected:
  TestWorker& worker() {
    if (workers_.empty()) AddWorker();  // when the test has set the configuration
    return *workers_[0];
  }
  TestClient Ask(absl::string_view content, TestListener listener = kMessage) {
    TestClient client = worker().Accept(listener);
    client.Send(listener == kMessage ? Request(content) : absl::StrCat(content, "\n"));
    Settle();
    return client;
  }
  TestJob Job() {
    std::optional<TestJob> job = worker().TakeJob();
    EXPECT_TRUE(job);
    return job.value_or(TestJob());
  }
  bool PoolHasNothing() { return !worker().TakeJob(); }
  static LostJob Crash(const TestJob& job) {
    return {JobId::FromWord(job.id), "was killed by SIGSEGV", true, true, true, kWorkHandler + 1};
  }
  void Lose(const LostJob& lost) {
    worker().LoseJob(lost);
    Settle();
  }
  void Reply(const TestJob& job, absl::string_view content) {
    worker().Reply(job.id, content);
    Settle();
  }
  // All that the worker has told the master is refused, for a minute.
  void QuarantineWhatCrashed() {
    proto::Command::Quarantine list;
    for (const CrashedPayload& crash : worker().crashes()) {
      proto::Command::Quarantine::Entry& entry = *list.add_entries();
      entry.set_handler(crash.handler);
      entry.set_bytes(crash.bytes);
      entry.set_high(crash.fingerprint.high);
      entry.set_low(crash.fingerprint.low);
      entry.set_expires_ns(static_cast<uint64_t>((now_ + absl::Minutes(1)).ns));
    }
    worker().SetQuarantine(list);
    Settle();
  }
  static std::string Request(absl::string_view content, bool resolve = false) {
    const std::string header = absl::StrCat(
        R"({"byteorder": "little", "content-type": ")", resolve ? "text/json" : "x/y",
        R"(", "content-encoding": ")", resolve ? "utf-16" : "binary", R"(", "content-length": )",
        content.size(), resolve ? "" : R"(, "handler": "work")", "}");
    return absl::StrCat(std::string({static_cast<char>(header.size() >> 8),
                                     static_cast<char>(header.size() & 255)}),
                        header, content);
  }
};

#define EXPECT_HAS(text, part) EXPECT_TRUE(absl::StrContains(text, part)) << (text)

TEST_F(CrashedJobsTest, AreSentOnceMoreUnderANewIdAndTheClientSeesNothing) {
  TestClient client = Ask("payload", kWork);
  const TestJob first = Job();
  EXPECT_EQ(first.attempt, 0u);
  Lose(Crash(first));
  const TestJob second = Job();
  EXPECT_NE(second.id, first.id);
  EXPECT_EQ(second.content, "payload");
  EXPECT_EQ(second.attempt, 1u);
  EXPECT_EQ(second.deadline_ns, first.deadline_ns);
  EXPECT_EQ(worker().slot().jobs_retried.load(), 1u);
  Reply(first, "late");
  EXPECT_EQ(client.Read(), "") << "it matches nothing";
  Reply(second, "done");
  EXPECT_EQ(client.Read(), "done\n");
}

TEST_F(CrashedJobsTest, AreTriedTwiceAndNotAThirdTime) {
  TestClient client = Ask("payload");
  Lose(Crash(Job()));
  Lose(Crash(Job()));
  EXPECT_TRUE(PoolHasNothing());
  const std::string answer = client.Read();
  EXPECT_HAS(answer, "handler_crashed");
  EXPECT_HAS(answer, "tried twice: the second process running the job was killed by SIGSEGV");
}

TEST_F(CrashedJobsTest, OfLargeContentAreSentAgainWhole) {
  std::string content(300'000, 'x');
  for (size_t i = 0; i < content.size(); i += 1000) content[i] = static_cast<char>(i / 1000);
  TestClient client = worker().Accept(kMessage);
  const std::string request = Request(content);
  for (size_t sent = 0; sent < request.size();) {
    sent += client.Send(absl::string_view(request).substr(sent));
    Settle();
  }
  const TestJob first = Job();
  EXPECT_TRUE(first.content == content);
  Lose(Crash(first));
  const TestJob second = Job();
  EXPECT_TRUE(second.content == content);
  EXPECT_EQ(worker().crashes().at(0).bytes, content.size());
  Reply(second, "done");
  EXPECT_HAS(client.Read(), "done");
}

TEST_F(CrashedJobsTest, OfAHandlerThatIsNotIdempotentAreAnsweredAtOnce) {
  config_.handlers[kWorkHandler].idempotent = false;
  TestClient client = Ask("payload");
  Lose(Crash(Job()));
  EXPECT_TRUE(PoolHasNothing());
  const std::string answer = client.Read();
  EXPECT_HAS(answer, "handler_crashed");
  EXPECT_FALSE(absl::StrContains(answer, "twice"));
  EXPECT_EQ(worker().crashes().size(), 1u) << "it counts all the same";
}

TEST_F(CrashedJobsTest, ThatHadSurelyNotBegunAreSentAgainWhateverTheHandler) {
  config_.handlers[kWorkHandler].idempotent = false;
  TestClient client = Ask("payload", kWork);
  LostJob lost = Crash(Job());
  lost.had_begun = lost.counts = false;
  lost.handler = 0;
  Lose(lost);
  Reply(Job(), "done");
  EXPECT_EQ(client.Read(), "done\n");
}

TEST_F(CrashedJobsTest, WhoseHandlerThePoolHadFoundAreJudgedByIt) {
  config_.handlers[kWorkHandler].idempotent = false;
  TestClient client = worker().Accept(kMessage);
  for (const uint32_t handler : {1u, 2u, 77u}) {  // echo, work, and what only a corrupt slot says
    client.Send(Request(R"({"action": "x"})", /*resolve=*/true));
    Settle();
    LostJob lost = Crash(Job());
    lost.handler = handler;
    Lose(lost);
    if (handler == 1) {
      Reply(Job(), "done");
    } else {
      EXPECT_TRUE(PoolHasNothing()) << handler;
      EXPECT_HAS(client.Read(), "handler_crashed");
    }
  }
  ASSERT_EQ(worker().crashes().size(), 2u) << "not of a handler that there is not";
  EXPECT_EQ(worker().crashes()[0].handler, 0u);
  EXPECT_EQ(worker().crashes()[1].handler, 1u);
}

TEST_F(CrashedJobsTest, ThatTheMasterKilledAreAnsweredAtOnceAndDoNotCount) {
  TestClient client = Ask("payload");
  LostJob lost = Crash(Job());
  lost.may_retry = lost.counts = false;
  Lose(lost);
  EXPECT_TRUE(PoolHasNothing());
  EXPECT_HAS(client.Read(), "handler_crashed");
  EXPECT_TRUE(worker().crashes().empty());
}

TEST_F(CrashedJobsTest, ThatNobodyWaitsForAreNotSentAgain) {
  TestClient client = Ask("payload");
  const TestJob job = Job();
  client.Close();
  Settle();
  Lose(Crash(job));
  EXPECT_TRUE(PoolHasNothing());
  EXPECT_EQ(worker().slot().load[0].jobs_out.load(), 0u);
}

TEST_F(CrashedJobsTest, CountAlsoWhenTheClientHasLeftOrHasBeenToldThatItIsLate) {
  config_.handlers[kWorkHandler].deadline = absl::Seconds(1);
  TestClient leaves = Ask("payload");
  const TestJob left = Job();
  leaves.Close();
  Settle();
  Lose(Crash(left));
  TestClient late = Ask("payload");
  const TestJob expired = Job();
  Advance(absl::Seconds(2));
  EXPECT_HAS(late.Read(), "deadline_exceeded");
  Lose(Crash(expired));
  TestClient stays = Ask("payload");
  Lose(Crash(Job()));
  ASSERT_EQ(worker().crashes().size(), 3u);
  EXPECT_EQ(worker().crashes()[0].bytes, 7u);
  EXPECT_EQ(worker().crashes()[0].fingerprint, worker().crashes()[2].fingerprint);
  EXPECT_EQ(worker().crashes()[1].fingerprint, worker().crashes()[2].fingerprint);
}

TEST_F(CrashedJobsTest, WhoseHandlerThePoolHadFoundHaveWhatIsLeftOfItsDeadline) {
  config_.handlers[kWorkHandler].deadline = absl::Seconds(10);
  TestClient client = worker().Accept(kMessage);
  client.Send(Request(R"({"action": "x"})", /*resolve=*/true));
  Settle();
  const TestJob first = Job();
  Advance(absl::Seconds(4));
  Lose(Crash(first));
  const TestJob second = Job();
  EXPECT_LT(second.deadline_ns, first.deadline_ns);
  EXPECT_LE(absl::Nanoseconds(second.deadline_ns) - absl::Nanoseconds(now_.ns), absl::Seconds(6));
}

TEST_F(CrashedJobsTest, AreNotSentAgainAfterTheirDeadline) {
  config_.handlers[kWorkHandler].deadline = absl::Seconds(1);
  TestClient client = Ask("payload");
  const TestJob job = Job();
  Advance(absl::Seconds(2));
  EXPECT_HAS(client.Read(), "deadline_exceeded");
  Lose(Crash(job));
  EXPECT_TRUE(PoolHasNothing());
  EXPECT_EQ(client.Read(), "");
}

TEST_F(CrashedJobsTest, ThatAreAnsweredMeanwhileKeepTheirAnswer) {
  TestClient client = Ask("payload", kWork);
  const TestJob job = Job();
  worker().Reply(job.id, "done");  // in the channel, unread
  Lose(Crash(job));
  EXPECT_TRUE(PoolHasNothing());
  EXPECT_EQ(client.Read(), "done\n");
  EXPECT_TRUE(worker().crashes().empty());
}

TEST_F(CrashedJobsTest, GoBeforeWhatWaits) {
  board_.MutableHeader().bays[0].pool_ready[0] = 1;
  config_.pools[0].prefetch_auto = false;
  TestClient first = Ask("first", kWork), second = Ask("second", kWork);
  const TestJob job = Job();
  ASSERT_EQ(job.content, "first");
  ASSERT_TRUE(PoolHasNothing()) << "the other one waits";
  Lose(Crash(job));
  EXPECT_EQ(Job().content, "first");
}

TEST_F(CrashedJobsTest, InDoubtAreSentAgainOnlyIfTheHandlerIsIdempotent) {
  for (const bool idempotent : {true, false}) {
    workers_.clear();
    config_.handlers[kWorkHandler].idempotent = idempotent;
    TestClient client = Ask("payload");
    const TestJob job = Job();
    worker().AskForFence("was killed by SIGKILL");
    Settle();
    const TestJob fence = Job();
    EXPECT_EQ(fence.content, "");
    Reply(fence, "");
    Advance(absl::Milliseconds(100));
    if (idempotent) {
      Reply(Job(), "done");
      EXPECT_HAS(client.Read(), "done");
    } else {
      EXPECT_TRUE(PoolHasNothing());
      EXPECT_HAS(client.Read(), "handler_crashed");
    }
    EXPECT_TRUE(worker().crashes().empty()) << "in doubt";
  }
}

TEST_F(CrashedJobsTest, CountByHandlerLengthAndFingerprint) {
  TestClient client = Ask("payload");
  Lose(Crash(Job()));
  Lose(Crash(Job()));
  TestClient other = Ask("payl0ad");
  Lose(Crash(Job()));
  const std::vector<CrashedPayload>& crashes = worker().crashes();
  ASSERT_EQ(crashes.size(), 3u);
  EXPECT_EQ(crashes[0].handler, kWorkHandler);
  EXPECT_EQ(crashes[0].bytes, 7u);
  EXPECT_EQ(crashes[0].fingerprint, crashes[1].fingerprint);
  EXPECT_NE(crashes[0].fingerprint, crashes[2].fingerprint);
}

TEST_F(CrashedJobsTest, AreNotCountedWithoutAQuarantine) {
  config_.pools[0].quarantine_ttl = absl::ZeroDuration();
  TestClient client = Ask("payload");
  Lose(Crash(Job()));
  EXPECT_TRUE(worker().crashes().empty());
  EXPECT_EQ(Job().content, "payload") << "sent again it is";
}

class QuarantinedPayloadsTest : public CrashedJobsTest {
 protected:
  // "poison" has crashed two processes of `work`.
  void Poison() {
    TestClient client = Ask("poison");
    Lose(Crash(Job()));
    Lose(Crash(Job()));
    QuarantineWhatCrashed();
  }
};

TEST_F(QuarantinedPayloadsTest, AreRefusedWithoutBeingSent) {
  Poison();
  TestClient client = Ask("poison");
  EXPECT_TRUE(PoolHasNothing());
  const std::string answer = client.Read();
  EXPECT_HAS(answer, "quarantined");
  EXPECT_HAS(answer, "refused for 60 s more");
}

TEST_F(QuarantinedPayloadsTest, HurtNoOtherPayloadOfThatLength) {
  Poison();
  TestClient client = Ask("poisom", kWork);
  Reply(Job(), "done");
  EXPECT_EQ(client.Read(), "done\n");
}

TEST_F(QuarantinedPayloadsTest, AreRefusedAlsoWhenThePoolIsToFindTheHandler) {
  Poison();
  TestClient client = worker().Accept(kMessage);
  client.Send(Request("poison", /*resolve=*/true));
  Settle();
  EXPECT_TRUE(PoolHasNothing());
  EXPECT_HAS(client.Read(), "quarantined");
}

TEST_F(QuarantinedPayloadsTest, ThatWaitAreRefusedWhenTheListComes) {
  board_.MutableHeader().bays[0].pool_ready[0] = 1;
  config_.pools[0].prefetch_auto = false;
  TestClient first = Ask("poison");
  Lose(Crash(Job()));
  TestClient second = Ask("poison"), other = Ask("other");
  QuarantineWhatCrashed();
  EXPECT_HAS(second.Read(), "quarantined");
  EXPECT_EQ(worker().slot().load[0].jobs_queued.load(), 1u) << "of the other payload";
  // The one that is out is not: but it is not sent once more, either.
  EXPECT_EQ(first.Read(), "");
}

TEST_F(QuarantinedPayloadsTest, AreNotTriedASecondTime) {
  Poison();
  worker().SetQuarantine({});
  TestClient client = Ask("poison");
  const TestJob job = Job();
  QuarantineWhatCrashed();
  Lose(Crash(job));
  EXPECT_TRUE(PoolHasNothing());
  EXPECT_HAS(client.Read(), "quarantined");
}

TEST_F(QuarantinedPayloadsTest, OfLargeContentAreRefused) {
  const std::string content(100'000, 'p');
  const auto send = [&](TestClient& client) {
    const std::string request = Request(content);
    for (size_t sent = 0; sent < request.size();) {
      sent += client.Send(absl::string_view(request).substr(sent));
      Settle();
    }
  };
  TestClient client = worker().Accept(kMessage);
  send(client);
  Lose(Crash(Job()));
  Lose(Crash(Job()));
  EXPECT_HAS(client.Read(), "handler_crashed");
  QuarantineWhatCrashed();
  send(client);
  EXPECT_TRUE(PoolHasNothing());
  EXPECT_HAS(client.Read(), "quarantined");
}

TEST_F(QuarantinedPayloadsTest, AreServedAgainWhenTheirTimeIsUpOrTheListIsEmpty) {
  Poison();
  Advance(absl::Minutes(1));
  TestClient first = Ask("poison");
  Lose(Crash(Job()));
  Lose(Crash(Job()));
  QuarantineWhatCrashed();
  TestClient second = Ask("poison");
  EXPECT_TRUE(PoolHasNothing());
  worker().SetQuarantine({});
  TestClient third = Ask("poison");
  EXPECT_EQ(Job().content, "poison");
}

}  // namespace
}  // namespace windlass
