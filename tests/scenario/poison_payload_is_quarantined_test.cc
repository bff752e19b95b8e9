// A payload that crashes whatever runs it: it is refused before it costs a third process.
#include <gtest/gtest.h>
#include <signal.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/faulty.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"
#include "tests/scenario/talkative.h"

namespace windlass {
namespace {

// The lines of `windlassctl quarantine` without its heading.
std::vector<std::string> Quarantine(const Server& server) {
  const ProgramResult result = server.Ctl({"quarantine"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::vector<std::string> lines = absl::StrSplit(result.out, '\n', absl::SkipEmpty());
  if (!lines.empty()) lines.erase(lines.begin());
  return lines;
}

// `content` makes the handler abort: twice, until the answer is here.
void CrashTwice(const TalkativeServer& server, const std::string& content) {
  const size_t before = Quarantine(*server).size();
  ASSERT_EQ(server.Ask(content), "handler_crashed");
  ASSERT_TRUE(Eventually([&] { return Quarantine(*server).size() == before + 1; }));
}
bool IsRefused(const TalkativeServer& server, const std::string& content) {
  return Eventually([&] { return server.Ask(content) == "quarantined"; });
}

TEST(PoisonPayload, CostsTwoProcessesAndNoMoreAndOthersNothing) {
  const TalkativeServer server;
  CrashTwice(server, "die of a");
  ASSERT_TRUE(IsRefused(server, "die of a"));
  const uint64_t deaths = ServerStatus::Of(*server).totals.at("deaths");
  EXPECT_LE(deaths, 4u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(server.Ask("die of a"), "quarantined");
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("deaths"), deaths);
  EXPECT_EQ(server.Ask("say of a"), "") << "as long, and harmless";
  Client client(server->address("message"));
  client.Send(TalkativeServer::Request("die of a"));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(absl::StrContains(answer->content, "has crashed the processes that ran it"))
      << answer->content;
  EXPECT_TRUE(server->LogHas("quarantine: a payload of 8 bytes for handler append has crashed 2"));
}

TEST(PoisonPayload, IsListedAndClearedOneByOneOrAll) {
  const TalkativeServer server;
  CrashTwice(server, "die of a");
  CrashTwice(server, "die of b");
  const std::vector<std::string> lines = Quarantine(*server);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(absl::StrContains(lines[0], "append")) << lines[0];
  const std::string first = lines[0].substr(0, 16);
  EXPECT_EQ(server->Ctl({"quarantine", "clear", "0123456789abcdef"}).exit_code, 1);
  EXPECT_EQ(server->Ctl({"quarantine", "clear", first}).exit_code, 0);
  EXPECT_TRUE(Eventually([&] { return server.Ask("die of a") == "handler_crashed"; }));
  EXPECT_TRUE(IsRefused(server, "die of b"));
  EXPECT_EQ(server->Ctl({"quarantine", "clear", "all"}).exit_code, 0);
  EXPECT_TRUE(Quarantine(*server).empty());
  EXPECT_TRUE(absl::StrContains(server->Ctl({"quarantine", "--json"}).out, "\"quarantine\""));
  EXPECT_TRUE(server->LogHas("let out of quarantine"));
}

TEST(PoisonPayload, StaysInQuarantineOverReloadAndUpgradeAndInNewWorkers) {
  const TalkativeServer server;
  CrashTwice(server, "die of a");
  ASSERT_TRUE(Reload(*server));
  const uint64_t deaths = ServerStatus::Of(*server).totals.at("deaths");
  EXPECT_EQ(server.Ask("die of a"), "quarantined");
  ASSERT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  EXPECT_EQ(server.Ask("die of a"), "quarantined");
  EXPECT_EQ(Quarantine(*server).size(), 1u);
  ASSERT_TRUE(OldGenerationsEnd(*server));
  for (const pid_t worker : server->Children("worker")) ::kill(worker, SIGKILL);
  const auto worker_deaths = [&] { return ServerStatus::Of(*server).totals.at("deaths") - deaths; };
  ASSERT_TRUE(Eventually([&] { return worker_deaths() == 2; }));
  EXPECT_EQ(server.Ask("die of a"), "quarantined");
  EXPECT_EQ(worker_deaths(), 2u);
}

TEST(PoisonPayload, IsTriedAgainWhenItsTimeIsUp) {
  const TalkativeServer server("quarantine_ttl = \"1s\"\n");
  ASSERT_EQ(server.Ask("die of a"), "handler_crashed");
  ASSERT_TRUE(IsRefused(server, "die of a"));
  EXPECT_TRUE(Eventually([&] { return server.Ask("die of a") == "handler_crashed"; }));
}

TEST(PoisonPayload, IsNeverRefusedWithoutAQuarantine) {
  const TalkativeServer server("quarantine_ttl = \"0s\"\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(server.Ask("die of a"), "handler_crashed");
  EXPECT_TRUE(Quarantine(*server).empty());
}

TEST(PoisonPayload, SentByManyUnderLoadCostsAFewProcessesAndNobodyAnAnswer) {
  const FaultyServer server;
  Ledger others({.message_address = server->address("message"), .only_small_payloads = true});
  others.Start();
  ASSERT_TRUE(Eventually([&] { return others.answered() > 1000; }));
  constexpr int kSenders = 5, kEach = 40;
  std::vector<std::unique_ptr<Client>> senders;
  for (int i = 0; i < kSenders; ++i) {
    senders.push_back(std::make_unique<Client>(server->address("message")));
    for (int n = 0; n < kEach; ++n) senders.back()->Send(FaultRequest("abort"));
  }
  int crashed = 0, refused = 0;
  for (const auto& sender : senders) {
    for (int n = 0; n < kEach; ++n) {
      const std::optional<MessageAnswer> answer = sender->ReadAnswer();
      ASSERT_TRUE(answer);
      if (answer->status == "handler_crashed") ++crashed;
      if (answer->status == "quarantined") ++refused;
    }
  }
  EXPECT_EQ(crashed + refused, kSenders * kEach);
  // Those that were under way when the second one had died.
  EXPECT_LE(crashed, 30);
  EXPECT_LE(ServerDeaths::Of(*server).OfPool().size(), 60u);
  others.Stop();
  EXPECT_EQ(others.troubles(), 0u) << others.Report();
  EXPECT_EQ(others.refused(), 0u) << others.Report();
  EXPECT_TRUE(server.IsWhole());
}

// Of a handler that is not idempotent: two requests, a process each. Its content says which one.
TEST(PayloadOfAnActionThatCrashesTwice, IsRefusedAtTheThirdRequest) {
  const auto server = Server::StartWithConfig(
      ConfigText({.pool = 1,
                  .handlers = "[[handler]]\nname = \"burn\"\nbuiltin = \"burn\"\n"
                              "idempotent = false\n"}));
  Client client(server->address("message"));
  for (int i = 0; i < 2; ++i) {
    client.Send(BurnRequest(60'000));
    ASSERT_TRUE(RunsJobs(*server, 1));
    ::kill(ServerJobs::Of(*server).jobs.at(0).pid, SIGABRT);
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, "handler_crashed");
  }
  ASSERT_TRUE(Eventually([&] { return Quarantine(*server).size() == 1; }));
  // The workers hear it soon after the operator; until then it runs, for a short while only.
  const auto ask = [&] {
    client.Send(BurnRequest(60'000, ", \"deadline-ms\": 50"));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    return answer ? answer->status : "none";
  };
  EXPECT_TRUE(Eventually([&] { return ask() == "quarantined"; }));
  client.Send(BurnRequest(10'001));
  EXPECT_TRUE(RunsJobs(*server, 1)) << "another payload of that length";
}

TEST(PayloadWhoseProcessesStrangersKill, IsNotSuspected) {
  const auto server = Server::StartUsual({"--pool=1"});
  Client client(server->address("message"));
  for (int i = 0; i < 2; ++i) {
    client.Send(BurnRequest(60'000));
    pid_t before = 0;
    for (int attempt = 0; attempt < 2; ++attempt) {
      ASSERT_TRUE(Eventually([&] {
        const ServerJobs jobs = ServerJobs::Of(*server);
        return jobs.running() == 1 && jobs.jobs.at(0).pid != before;
      }));
      before = ServerJobs::Of(*server).jobs.at(0).pid;
      ::kill(before, SIGKILL);
    }
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, "handler_crashed");
  }
  EXPECT_TRUE(Quarantine(*server).empty());
}

}  // namespace
}  // namespace windlass
