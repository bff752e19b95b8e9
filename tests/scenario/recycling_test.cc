// Processes that have reached their limits are replaced, and no client notices.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// Whether none of `old` is left in the role, and as many as are wanted serve.
bool AllReplaced(const Server& server, const std::string& role, const std::vector<pid_t>& old) {
  return Eventually([&] {
    const std::vector<pid_t> now = ServerStatus::Of(server).Pids(role);
    return now.size() == old.size() && std::none_of(now.begin(), now.end(), [&](pid_t pid) {
             return std::find(old.begin(), old.end(), pid) != old.end();
           });
  });
}

TEST(Recycling, WaitsForAJobThatTakesLongerThanDrainTimeout) {
  const auto server = Server::StartWithConfig(ConfigText({.workers = 1,
                                                          .pool = 1,
                                                          .in_master = "drain_timeout = \"200ms\"",
                                                          .in_pool = "max_jobs = 1"}));
  Client client(server->address("message"));
  client.Send(BurnRequest(10));
  ASSERT_TRUE(client.ReadAnswer());
  client.Send(BurnRequest(2500));  // its process is replaced meanwhile
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "") << answer->content;
}

TEST(PoolProcessesThatReachMaxJobs, AreReplacedAndNothingIsLostOrRunTwice) {
  const TemporaryFolder folder;
  const std::string sink = folder.Write("sink", "");
  ASSERT_EQ(::chmod(sink.c_str(), 0666), 0);  // pool processes run as nobody
  const auto server = Server::StartWithConfig(ConfigText(
      {.in_pool = "max_jobs = 200",
       .handlers = HandlerText("append", absl::StrCat("file = \"", sink, "\"")),
       .listeners = ListenerText("message") + ListenerText("line", "handler = \"append\"")}));
  Ledger ledger({.message_address = server->address("message"),
                 .line_address = server->address("line"),
                 .handler = "append",
                 .only_small_payloads = true});
  ledger.Start();
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(AllReplaced(*server, "pool", ServerStatus::Of(*server).Pids("pool"))) << round;
  }
  ledger.Stop();
  EXPECT_TRUE(server->LogHas("has reached max_jobs"));
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.refused(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.in_flight(), 0u) << ledger.Report();
  const ExecutionCheck check = Ledger::CheckExecutions(sink, ledger.AnsweredIds());
  EXPECT_EQ(check.records, ledger.sent());
  EXPECT_EQ(check.repeated, 0u) << check.examples;
  EXPECT_EQ(check.missing, 0u) << check.examples;
  EXPECT_EQ(check.torn, 0u) << check.examples;
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("deaths"), 0u);  // they ended as they were asked
}

TEST(PoolProcessThatReachesMaxJobs, FinishesTheJobThatItRuns) {
  const auto server = Server::StartWithConfig(ConfigText({.pool = 1, .in_pool = "max_jobs = 1"}));
  Client client(server->address("message"));
  const std::vector<pid_t> before = server->Children("pool");
  client.Send(SearchRequest("morpheus") + BurnRequest(3000));  // longer than the look once a second
  ASSERT_TRUE(client.ReadAnswer());
  ASSERT_TRUE(Eventually([&] { return ServerStatus::Of(*server).Pids("pool") != before; }));
  const std::optional<MessageAnswer> burned = client.ReadAnswer();
  ASSERT_TRUE(burned);
  EXPECT_EQ(burned->status, "");
  EXPECT_TRUE(Eventually([&] { return !ProcessExists(before.at(0)); }));
}

TEST(WorkersThatReachMaxAge, AreReplacedAndTheirConnectionsStay) {
  const auto server = Server::StartWithConfig(ConfigText({.in_workers = "max_age = \"1s\""}));
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 40; ++i) {
    idle.push_back(std::make_unique<Client>(server->address("message")));
    idle.back()->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(idle.back()->ReadAnswer());
  }
  Ledger ledger(
      {.message_address = server->address("message"), .line_address = server->address("line")});
  ledger.Start();
  ASSERT_TRUE(AllReplaced(*server, "worker", server->Children("worker")));
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.refused(), 0u) << ledger.Report();
  EXPECT_GT(ServerStatus::Of(*server).totals.at("connections_moved"), 0u);
  for (auto& client : idle) {
    client->Send(SearchRequest("morpheus"));
    const std::optional<MessageAnswer> answer = client->ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->content, kRabbit);
  }
}

TEST(PoolProcessThatReachesMaxMemory, IsReplaced) {
  const auto server = Server::StartWithConfig(ConfigText({.pool = 1}));
  // How much it is at the start depends on how the server was built.
  const uint64_t at_start = ServerStatus::Of(*server).Serving("pool").at(0).rss_bytes;
  server->WriteConfig(ConfigText(
      {.pool = 1,
       .in_pool = absl::StrCat("max_memory = \"", (at_start >> 20) * 5 / 4 + 6, "MiB\"")}));
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  const std::vector<pid_t> before = server->Children("pool");
  Client client(server->address("message"));
  const std::string content(size_t{5} << 20, 'x');
  const std::string request = MessageRequest(content, "x/y", "binary", R"(, "handler": "echo")");
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(client.Send(request));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer) << i;
    EXPECT_TRUE(answer->content == content) << i;
  }
  EXPECT_TRUE(AllReplaced(*server, "pool", before));
  EXPECT_TRUE(server->LogHas("has reached max_memory"));
  ASSERT_TRUE(client.Send(request));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->content == content);
}

}  // namespace
}  // namespace windlass
