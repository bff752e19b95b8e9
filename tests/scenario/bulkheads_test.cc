// Pools of their own: what one does, or does not do, is nothing to the others.
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/faulty.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// `burn` sleeps or works in [pool], `fault` does harm in [pool.bad], `echo` in [pool.other].
ConfigParts TwoPools(const std::string& in_bad = "processes = 2",
                     const std::string& fault = "idempotent = false") {
  return {.in_pool = absl::StrCat("[pool.bad]\n", in_bad, "\n"),
          .handlers = FaultText(absl::StrCat("pool = \"bad\"\n", fault))};
}

std::string EchoRequest(absl::string_view content) {
  return MessageRequest(content, "x", "binary", R"(, "handler": "echo")");
}

std::vector<pid_t> PidsOf(const ServerStatus& status, const std::string& pool) {
  std::vector<pid_t> pids;
  for (const ServerStatus::Process& one : status.Serving("pool")) {
    if (one.pool == pool) pids.push_back(one.pid);
  }
  return pids;
}

uint64_t JobsOf(const Server& server, const std::string& pool) {
  uint64_t jobs = 0;
  for (const ServerStatus::Process& one : ServerStatus::Of(server).Serving("pool")) {
    if (one.pool == pool) jobs += one.jobs;
  }
  return jobs;
}

// Clients whose requests hang for a minute.
std::vector<std::unique_ptr<Client>> Hang(const Server& server, size_t count,
                                          absl::string_view kind = "sleep") {
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(server.address("message")));
    EXPECT_TRUE(clients.back()->Send(FaultRequest(kind, R"("ms": 60000)")));
  }
  return clients;
}

TEST(Bulkheads, AHandlerRunsInTheProcessesOfItsPoolAndInNoOther) {
  const auto server = Server::StartWithConfig(ConfigText(TwoPools("processes = 3")));
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_EQ(PidsOf(status, "default").size(), 2u);
  EXPECT_EQ(PidsOf(status, "bad").size(), 3u);
  Client client(server->address("message"));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client.Send(FaultRequest("sleep", R"("ms": 0)")));
    ASSERT_TRUE(client.ReadAnswer());
    ASSERT_TRUE(client.Send(EchoRequest("x")));
    ASSERT_EQ(client.ReadAnswer()->content, "x");
  }
  EXPECT_EQ(JobsOf(*server, "bad"), 10u);
  EXPECT_EQ(JobsOf(*server, "default"), 10u);
}

TEST(Bulkheads, ContentThatOnlyAPoolProcessReadsFindsTheHandlerInAnotherPool) {
  const auto server = Server::StartWithConfig(ConfigText(TwoPools()));
  Client client(server->address("message"));
  // Beyond what a worker looks into; and beyond what goes inside a packet.
  for (const size_t bytes : {20u << 10, 200u << 10, 5u << 20}) {
    const std::string padding = absl::StrCat(R"("padding": ")", std::string(bytes, 'x'), "\"");
    ASSERT_TRUE(client.Send(FaultRequest("sleep", absl::StrCat(R"("ms": 0, )", padding))));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, "") << answer->content;
  }
  EXPECT_EQ(JobsOf(*server, "bad"), 3u);
}

TEST(Bulkheads, TheQueueOfAPoolFillsForItsOwnJobsOnly) {
  const auto server =
      Server::StartWithConfig(ConfigText(TwoPools("processes = 1\nqueue = 2\nprefetch = 0")));
  const auto hung = Hang(*server, 1);
  ASSERT_TRUE(RunsJobs(*server, 1));
  const auto waiting = Hang(*server, 12);
  Client client(server->address("message"));
  ASSERT_TRUE(Eventually([&] {
    return ServerStatus::Of(*server).totals["errors_by_code.overloaded"] > 0 ||
           absl::StrContains(server->Ctl({"status"}).out, "overloaded");
  }));
  EXPECT_TRUE(client.Send(EchoRequest("x")));
  EXPECT_EQ(client.ReadAnswer()->content, "x");
  ASSERT_TRUE(client.Send(FaultRequest("sleep", R"("ms": 0)")));
  const std::optional<MessageAnswer> refused = client.ReadAnswer();
  ASSERT_TRUE(refused);
  EXPECT_TRUE(absl::StrContains(refused->content, "the queue of 2 jobs of pool bad is full"))
      << refused->content;
}

TEST(Bulkheads, ThePayloadMemoryOfAPoolIsItsOwn) {
  ConfigParts parts = TwoPools("processes = 1");
  parts.in_workers = "payload_memory = \"64MiB\"";
  const auto server = Server::StartWithConfig(ConfigText(parts));
  // Content of 12 MiB of which a pool can hold one: half of its 32 MiB is for requests.
  const std::string padding = absl::StrCat(R"("padding": ")", std::string(12 << 20, 'x'), "\"");
  const std::string large =
      FaultRequest("sleep", absl::StrCat(R"("ms": 60000, )", padding), R"(, "handler": "fault")");
  Client hung(server->address("message")), stuck(server->address("message"));
  ASSERT_TRUE(hung.Send(large));
  ASSERT_TRUE(RunsJobs(*server, 1));
  std::thread sender([&] { stuck.Send(large); });  // waits for memory of pool bad
  Client client(server->address("message"));
  const std::string content(12 << 20, 'y');
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(EchoRequest(content)));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->content == content) << answer->content.substr(0, 200);
  }
  hung.Close();
  for (const ServerJobs::Job& job : ServerJobs::Of(*server).jobs) server->Ctl({"kill-job", job.id});
  ::shutdown(stuck.fd(), SHUT_RDWR);
  sender.join();
}

TEST(Bulkheads, EachPoolHasItsOwnSandboxAndLimits) {
  ConfigParts parts = TwoPools("sandbox = \"strict\"\nmemory_limit = \"64MiB\"");
  absl::StrAppend(&parts.handlers, FaultText("idempotent = false", "free"));
  const auto server = Server::StartWithConfig(ConfigText(parts));
  Client client(server->address("message"));
  ASSERT_TRUE(client.Send(FaultRequest("call", R"("name": "open")", "", "free")));
  EXPECT_EQ(client.ReadAnswer()->status, "");
  ASSERT_TRUE(client.Send(FaultRequest("call", R"("name": "open")")));
  EXPECT_EQ(client.ReadAnswer()->status, "handler_crashed");
  ASSERT_TRUE(Eventually([&] { return !ServerDeaths::Of(*server).OfPool().empty(); }));
  const std::string call = ServerDeaths::Of(*server).OfPool()[0].forbidden_call;
  EXPECT_TRUE(absl::StartsWith(call, "openat(")) << call;
}

TEST(Bulkheads, ACrashCostsOnlyItsOwnPoolAProcess) {
  const auto server = Server::StartWithConfig(ConfigText(TwoPools("processes = 2")));
  const std::vector<pid_t> before = PidsOf(ServerStatus::Of(*server), "default");
  Client client(server->address("message"));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(client.Send(FaultRequest("segv", absl::StrCat(R"("n": )", i))));
    ASSERT_EQ(client.ReadAnswer()->status, "handler_crashed");
  }
  ASSERT_TRUE(Eventually([&] { return PidsOf(ServerStatus::Of(*server), "bad").size() == 2; }));
  EXPECT_EQ(PidsOf(ServerStatus::Of(*server), "default"), before);
}

// Small packets keep a worker busy, large ones fill its channel.
class FloodTest : public testing::TestWithParam<int> {};

TEST_P(FloodTest, CostsNoWorkerAndNobodyElseAnAnswer) {
  const auto server = Server::StartWithConfig(ConfigText(TwoPools("processes = 3\nnice = 19")));
  const std::vector<pid_t> workers = server->Children("worker");
  std::vector<std::unique_ptr<Client>> floods;
  for (int i = 0; i < 3; ++i) {
    floods.push_back(std::make_unique<Client>(server->address("message")));
    ASSERT_TRUE(floods.back()->Send(
        FaultRequest("flood", absl::StrCat(R"("ms": 3000, "bytes": )", GetParam()),
                     R"(, "deadline_ms": 8000)")));
  }
  ASSERT_TRUE(RunsJobs(*server, 3));
  Client client(server->address("message"));
  int answers = 0;
  for (const absl::Time until = absl::Now() + absl::Seconds(2); absl::Now() < until; ++answers) {
    ASSERT_TRUE(client.Send(EchoRequest("x")));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->content, "x");
  }
  EXPECT_GT(answers, 50);
  // Their own answers they may have drowned themselves; but that is told.
  for (const auto& flood : floods) EXPECT_TRUE(flood->ReadAnswer(absl::Seconds(20)));
  EXPECT_EQ(server->Children("worker"), workers);
}

INSTANTIATE_TEST_SUITE_P(OfPackets, FloodTest, testing::Values(8, 32 << 10));

TEST(Bulkheads, AZygoteThatDiesIsMadeAgainForItsPool) {
  const auto server = Server::StartWithConfig(ConfigText(TwoPools()));
  const std::vector<pid_t> zygotes = server->Children("zygote");
  ASSERT_EQ(zygotes.size(), 2u);
  for (const pid_t zygote : zygotes) ::kill(zygote, SIGKILL);
  for (const pid_t pool : server->Children("pool")) ::kill(pool, SIGKILL);
  EXPECT_TRUE(Eventually([&] {
    const ServerStatus status = ServerStatus::Of(*server);
    return PidsOf(status, "default").size() == 2 && PidsOf(status, "bad").size() == 2;
  }));
  EXPECT_EQ(server->Children("zygote").size(), 2u);
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(Bulkheads, ScaleNamesThePool) {
  const auto server = Server::StartWithConfig(ConfigText(TwoPools()));
  const ProgramResult scaled = server->Ctl({"scale", "pool.bad=+2", "pool=1"});
  EXPECT_EQ(scaled.exit_code, 0) << scaled.err;
  EXPECT_TRUE(absl::StrContains(scaled.out, "4 pool processes of pool bad")) << scaled.out;
  EXPECT_TRUE(Eventually([&] {
    const ServerStatus status = ServerStatus::Of(*server);
    return PidsOf(status, "default").size() == 1 && PidsOf(status, "bad").size() == 4;
  }));
  const ProgramResult unknown = server->Ctl({"scale", "pool.none=2"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(unknown.err, "there is no pool 'none'")) << unknown.err;
  EXPECT_TRUE(absl::StrContains(server->Ctl({"status"}).out, "bad"));
}

TEST(Bulkheads, AKeptSizeGoesWithItsPool) {
  const auto server = Server::StartWithConfig(ConfigText(TwoPools()));
  const auto wanted = [&] { return ServerStatus::Of(*server).pools.back().wanted; };
  ASSERT_EQ(server->Ctl({"scale", "pool.bad=3", "--keep"}).exit_code, 0);
  ASSERT_TRUE(Reload(*server));
  EXPECT_EQ(wanted(), 3u);
  server->WriteConfig(ConfigText());
  ASSERT_TRUE(Reload(*server));
  server->WriteConfig(ConfigText(TwoPools()));
  ASSERT_TRUE(Reload(*server));
  EXPECT_EQ(wanted(), 2u) << "who brings it back has the file in mind";
}

// The ledger's requests are for echo, which wanders from pool to pool.
TEST(Bulkheads, ReloadsAndUpgradesThatMoveHandlersLoseNothing) {
  const auto config = [](absl::string_view pools, absl::string_view pool_of_echo) {
    return ConfigText(
        {.in_pool = std::string(pools),
         .handlers = absl::StrCat("[[handler]]\nname = \"echo\"\n", pool_of_echo),
         .listeners = ListenerText("message") + ListenerText("line", "handler = \"echo\"")});
  };
  const auto server = Server::StartWithConfig(config("", ""));
  Ledger ledger(
      {.message_address = server->address("message"), .line_address = server->address("line")});
  ledger.Start();
  const std::vector<std::string> configs = {
      config("[pool.b]\nprocesses = 1\n", "pool = \"b\"\n"),
      config("[pool.a]\nprocesses = 1\n[pool.b]\nprocesses = 1\n", "pool = \"a\"\n"),
      config("[pool.b]\nprocesses = 2\n[pool.c]\nprocesses = 1\n", "pool = \"c\"\n"),
      config("", "")};
  for (int round = 0; round < 3; ++round) {
    for (const std::string& text : configs) {
      server->WriteConfig(text);
      ASSERT_EQ(server->Ctl({"reload"}).exit_code, 0);
      if (round != 1) continue;
      ASSERT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
    }
  }
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  EXPECT_GT(ledger.answered(), 1000u);
}

TEST(Bulkheads, JobsOfEveryPoolOutliveAnUpgrade) {
  const auto server = Server::StartWithConfig(ConfigText(TwoPools("processes = 2")));
  Client bad(server->address("message")), good(server->address("message"));
  ASSERT_TRUE(bad.Send(FaultRequest("sleep", R"("ms": 1500)")));
  ASSERT_TRUE(good.Send(BurnRequest(1500)));
  ASSERT_TRUE(RunsJobs(*server, 2));
  ASSERT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  EXPECT_EQ(bad.ReadAnswer()->status, "");
  EXPECT_EQ(good.ReadAnswer()->status, "");
  ASSERT_TRUE(OldGenerationsEnd(*server));
  ASSERT_TRUE(bad.Send(FaultRequest("sleep", R"("ms": 0)")));
  EXPECT_EQ(bad.ReadAnswer()->status, "");
}

TEST(Bulkheads, APoolThatCannotStartFailsTheReloadByName) {
  const auto server = Server::StartWithConfig(ConfigText(TwoPools()));
  ConfigParts parts = TwoPools();
  absl::StrAppend(&parts.handlers,
                  "[[handler]]\nname = \"search\"\nbuiltin = \"search\"\npool = \"bad\"\n"
                  "options = { table = \"/no/such/table.json\" }\n");
  server->WriteConfig(ConfigText(parts));
  const ProgramResult result = server->Ctl({"reload"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(absl::StrCat(result.out, result.err), "search")) << result.err;
  EXPECT_TRUE(Serves(server->address("message")));
}

}  // namespace
}  // namespace windlass
