// A job whose process crashed is run once more, and its client notices nothing; or it is told why
// not.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"
#include "tests/scenario/talkative.h"

namespace windlass {
namespace {

// Signals the pool processes that run jobs, each once.
class Killer {
 public:
  explicit Killer(const Server& server) : server_(server) {}

  // Waits for one that runs a job. False: there was none.
  bool KillRunning(int signal) {
    return Eventually([&] {
      for (const ServerStatus::Process& process : ServerStatus::Of(server_).processes) {
        if (process.role != "pool" || process.job_id.empty() || process.pid == 0) continue;
        if (!killed_.insert(process.pid).second) continue;
        return ::kill(process.pid, signal) == 0;
      }
      return false;
    });
  }

 private:
  const Server& server_;
  std::set<pid_t> killed_;
};

uint64_t Total(const Server& server, const std::string& name) {
  return ServerStatus::Of(server).totals.at(name);
}

TEST(JobWhoseProcessCrashesOnce, IsAnsweredAsIfNothingHadHappened) {
  // SIGKILL is a stranger's; SIGABRT its own. Not SIGSEGV: sanitizers turn that into an exit.
  for (const int signal : {SIGKILL, SIGABRT}) {
    const auto server = Server::StartUsual();
    Client client(server->address("message"));
    client.Send(BurnRequest(1000, R"(, "request-id": "mine")") + SearchRequest("morpheus"));
    ASSERT_TRUE(Killer(*server).KillRunning(signal));
    const std::optional<MessageAnswer> answer = client.ReadAnswer(), next = client.ReadAnswer();
    ASSERT_TRUE(answer && next);
    EXPECT_EQ(answer->status, "") << answer->content;
    EXPECT_EQ(answer->request_id, "mine");
    EXPECT_EQ(next->content, kRabbit);
    EXPECT_EQ(Total(*server, "retries"), 1u);
    EXPECT_EQ(Total(*server, "deaths"), 1u);
  }
}

TEST(JobWhoseProcessCrashesTwice, IsNotTriedAThirdTime) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000, R"(, "request-id": "mine")"));
  Killer killer(*server);
  ASSERT_TRUE(killer.KillRunning(SIGKILL));
  ASSERT_TRUE(killer.KillRunning(SIGABRT));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "handler_crashed");
  EXPECT_EQ(answer->request_id, "mine");
  EXPECT_TRUE(absl::StrContains(answer->content, "tried twice")) << answer->content;
  EXPECT_TRUE(absl::StrContains(answer->content, "SIGABRT")) << answer->content;
  EXPECT_TRUE(RunsJobs(*server, 0));
  EXPECT_TRUE(server->LogHas("attempt 1"));
  EXPECT_TRUE(server->LogHas("attempt 2"));
}

TEST(CrashedJobOfAHandlerThatIsNotIdempotent, IsNotTriedAgain) {
  const auto server = Server::StartWithConfig(ConfigText(
      {.handlers = "[[handler]]\nname = \"burn\"\nbuiltin = \"burn\"\nidempotent = false\n"}));
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  ASSERT_TRUE(Killer(*server).KillRunning(SIGABRT));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "handler_crashed");
  EXPECT_FALSE(absl::StrContains(answer->content, "twice")) << answer->content;
  EXPECT_TRUE(RunsJobs(*server, 0));
  EXPECT_EQ(Total(*server, "retries"), 0u);
}

TEST(LargeJobWhoseProcessCrashes, IsAnsweredByTheSecond) {
  const auto server = Server::StartUsual({"--workers=1"});
  Client client(server->address("message"));
  client.Send(MessageRequest(absl::StrCat(R"({"padding": ")", std::string(1'000'000, 'p'),
                                          R"(", "action": "burn", "ms": 1000})")));
  ASSERT_TRUE(Killer(*server).KillRunning(SIGKILL));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "") << answer->content;
  EXPECT_EQ(Total(*server, "retries"), 1u);
}

TEST(JobThatAnOperatorKills, IsNotTriedAgain) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  ASSERT_TRUE(RunsJobs(*server, 1));
  ASSERT_EQ(server->Ctl({"kill-job", ServerJobs::Of(*server).jobs.at(0).id}).exit_code, 0);
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "handler_crashed");
  EXPECT_TRUE(RunsJobs(*server, 0));
  EXPECT_EQ(Total(*server, "retries"), 0u);
}

TEST(JobThatCostsItsProcessByItsDeadline, IsNotTriedAgain) {
  const TalkativeServer server;
  EXPECT_EQ(server.Ask("hang here", R"(, "deadline-ms": 200)"), "deadline_exceeded");
  ASSERT_TRUE(Eventually([&] { return Total(*server, "deaths") == 1; }));
  EXPECT_TRUE(RunsJobs(*server, 0));
  EXPECT_EQ(Total(*server, "retries"), 0u);
}

TEST(CrashedJobOfAClientWhoIsGone, IsNotTriedAgain) {
  const TalkativeServer server;
  Client client(server->address("message"));
  client.Send(TalkativeServer::Request("hang here"));
  ASSERT_TRUE(RunsJobs(*server, 1));
  client.CloseWithReset();
  ASSERT_TRUE(Eventually([&] { return ServerConnections::Of(*server).connections.empty(); }));
  ASSERT_TRUE(Killer(*server).KillRunning(SIGKILL));
  ASSERT_TRUE(Eventually([&] { return Total(*server, "deaths") == 1; }));
  EXPECT_TRUE(RunsJobs(*server, 0));
  EXPECT_EQ(Total(*server, "retries"), 0u);
}

// At every stage of a job: each request has one answer, its own.
TEST(PoolProcessesKilledUnderLoad, CostNoRequestItsOneAnswer) {
  const auto server = Server::StartUsual();
  Ledger ledger(
      {.message_address = server->address("message"), .line_address = server->address("line")});
  ledger.Start();
  const absl::Time end = absl::Now() + absl::Seconds(5);
  int kills = 0;
  while (absl::Now() < end) {
    for (const pid_t pid : server->Children("pool")) {
      if (::kill(pid, kills % 2 == 0 ? SIGKILL : SIGABRT) == 0) ++kills;
      absl::SleepFor(absl::Milliseconds(25));
    }
  }
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  for (const auto& [code, count] : ledger.refused_by_code()) {
    EXPECT_TRUE(code == "handler_crashed" || code == "quarantined") << code << " " << count;
  }
  EXPECT_GT(ledger.answered(), 1000u) << ledger.Report();
  EXPECT_GT(Total(*server, "retries"), 0u);
  EXPECT_LT(ledger.refused(), static_cast<uint64_t>(kills)) << ledger.Report();
}

}  // namespace
}  // namespace windlass
