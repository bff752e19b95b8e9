// How many processes there are, and that changing it is nothing that clients notice.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

std::vector<std::unique_ptr<Client>> Connect(const Server& server, int count) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(server.address("message")));
    EXPECT_TRUE(clients.back()->Send(SearchRequest("morpheus")));
    EXPECT_TRUE(clients.back()->ReadAnswer());
  }
  return clients;
}

void ExpectServed(const std::vector<std::unique_ptr<Client>>& clients) {
  for (const auto& client : clients) ASSERT_TRUE(client->Send(SearchRequest("morpheus")));
  for (const auto& client : clients) {
    const std::optional<MessageAnswer> answer = client->ReadAnswer();
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->content, kRabbit);
  }
}

bool Comes(const Server& server, const std::string& role, size_t count) {
  return Eventually([&] {
    const ServerStatus status = ServerStatus::Of(server);
    const auto of_role = std::count_if(status.processes.begin(), status.processes.end(),
                                       [&](const auto& one) { return one.role == role; });
    return status.Serving(role).size() == count && static_cast<size_t>(of_role) == count;
  });
}

void Scale(const Server& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "scale");
  const ProgramResult result = server.Ctl(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

std::string Spread(const ServerStatus& status) {
  std::string text;
  for (const ServerStatus::Process& worker : status.Serving("worker"))
    absl::StrAppend(&text, worker.connections, " ");
  return text;
}

// Most connections of a worker in relation to what each would have if all had the same.
double Unevenness(const ServerStatus& status) {
  double most = 0, all = 0;
  const std::vector<ServerStatus::Process> workers = status.Serving("worker");
  for (const ServerStatus::Process& worker : workers) {
    most = std::max(most, static_cast<double>(worker.connections));
    all += static_cast<double>(worker.connections);
  }
  return all == 0 ? 0 : most * static_cast<double>(workers.size()) / all;
}

TEST(SigttinAndSigttou, AreOneWorkerMoreAndOneLess) {
  const auto server = Server::StartWithConfig(ConfigText());
  const auto clients = Connect(*server, 20);
  server->Signal(SIGTTIN);
  ASSERT_TRUE(Comes(*server, "worker", 3));
  server->Signal(SIGTTIN);
  ASSERT_TRUE(Comes(*server, "worker", 4));
  for (size_t workers = 3; workers >= 1; --workers) {
    server->Signal(SIGTTOU);
    ASSERT_TRUE(Comes(*server, "worker", workers));
  }
  EXPECT_EQ(server->Children("worker").size(), 1u);
  server->Signal(SIGTTOU);  // the last one stays
  ASSERT_TRUE(Eventually([&] { return server->LogHas("workers must be from 1"); }));
  EXPECT_EQ(server->Children("worker").size(), 1u);
  EXPECT_EQ(server->Children("pool").size(), 2u);
  ExpectServed(clients);
}

TEST(Scale, ToSixteenAndBackIsNoticedByNoClient) {
  const auto server = Server::StartWithConfig(ConfigText());
  Ledger ledger(
      {.message_address = server->address("message"), .line_address = server->address("line")});
  ledger.Start();
  for (int round = 0; round < 3; ++round) {
    Scale(*server, {"workers=16", "pool=16"});
    ASSERT_TRUE(Comes(*server, "worker", 16));
    ASSERT_TRUE(Comes(*server, "pool", 16));
    const uint64_t so_far = ledger.answered();
    ASSERT_TRUE(Eventually([&] { return ledger.answered() > so_far + 500; }));
    Scale(*server, {"workers=1", "pool=1"});
    ASSERT_TRUE(Comes(*server, "worker", 1));
    ASSERT_TRUE(Comes(*server, "pool", 1));
  }
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.refused(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.in_flight(), 0u) << ledger.Report();
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_EQ(status.totals.at("deaths"), 0u);
  EXPECT_GT(status.totals.at("connections_moved"), 0u);
}

TEST(Scale, MayBeRelative) {
  const auto server = Server::StartWithConfig(ConfigText());
  Scale(*server, {"workers=+2", "pool=-1"});
  EXPECT_TRUE(Comes(*server, "worker", 4));
  EXPECT_TRUE(Comes(*server, "pool", 1));
  Scale(*server, {"pool=+3"});
  EXPECT_TRUE(Comes(*server, "pool", 4));
}

TEST(Scale, LastsUntilTheNextReload) {
  const auto server = Server::StartWithConfig(ConfigText());
  Scale(*server, {"workers=4"});
  ASSERT_TRUE(Comes(*server, "worker", 4));
  ServerStatus status = ServerStatus::Of(*server);
  EXPECT_EQ(status.workers.wanted, 4u);
  EXPECT_EQ(status.workers.configured, 2u);
  EXPECT_FALSE(status.workers.kept);
  EXPECT_EQ(status.pool.wanted, status.pool.configured);
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  status = ServerStatus::Of(*server);
  EXPECT_EQ(status.workers.wanted, 2u);
  EXPECT_EQ(status.Serving("worker").size(), 2u);
}

TEST(Scale, LastsOverReloadsWhenItIsToBeKept) {
  const auto server = Server::StartWithConfig(ConfigText());
  Scale(*server, {"workers=4", "--keep"});
  ASSERT_TRUE(Comes(*server, "worker", 4));
  server->WriteConfig(ConfigText({.workers = 3, .pool = 1}));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Reload(*server));
    ASSERT_TRUE(OldGenerationsEnd(*server));
    const ServerStatus status = ServerStatus::Of(*server);
    EXPECT_EQ(status.workers.wanted, 4u);
    EXPECT_EQ(status.workers.configured, 3u);
    EXPECT_TRUE(status.workers.kept);
    EXPECT_EQ(status.Serving("worker").size(), 4u);
    EXPECT_EQ(status.Serving("pool").size(), 1u);  // of which nobody has said so
    EXPECT_FALSE(status.pool.kept);
  }
}

TEST(Scale, WithoutKeepEndsAnEarlierKeep) {
  const auto server = Server::StartWithConfig(ConfigText());
  Scale(*server, {"workers=4", "pool=3", "--keep"});
  Scale(*server, {"workers=3"});
  ServerStatus status = ServerStatus::Of(*server);
  EXPECT_FALSE(status.workers.kept);
  EXPECT_TRUE(status.pool.kept) << "nothing was said of it";
  ASSERT_TRUE(Reload(*server));
  status = ServerStatus::Of(*server);
  EXPECT_EQ(status.workers.wanted, 2u);
  EXPECT_EQ(status.pool.wanted, 3u);
}

TEST(ScaleUp, GivesNewPoolProcessesTheJobsThatWait) {
  const auto server = Server::StartWithConfig(ConfigText({.workers = 1, .pool = 1}));
  Client client(server->address("message"));
  std::string jobs;
  for (int i = 0; i < 6; ++i) jobs += BurnRequest(60'000);
  client.Send(jobs);
  ASSERT_TRUE(RunsJobs(*server, 1));
  Scale(*server, {"pool=4"});
  EXPECT_TRUE(RunsJobs(*server, 4)) << "none of them ends soon, so no answer wakes the worker";
}

TEST(ScaleUp, EvensOutTheConnectionsThatThereAre) {
  const auto server = Server::StartWithConfig(ConfigText({.workers = 1}));
  const auto clients = Connect(*server, 400);
  Scale(*server, {"workers=4"});
  ASSERT_TRUE(Comes(*server, "worker", 4));
  EXPECT_TRUE(
      Eventually([&] { return Unevenness(ServerStatus::Of(*server)) <= 1.25; }, absl::Seconds(5)))
      << Spread(ServerStatus::Of(*server));
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_EQ(status.totals.at("connections"), 400u);
  EXPECT_EQ(status.totals.at("accepted"), 400u);  // nobody came again
  EXPECT_GE(status.totals.at("connections_moved"), 275u);
  ExpectServed(clients);
}

TEST(ScaleUp, EvensOutConnectionsThatAreNeverIdleForLong) {
  const auto server = Server::StartWithConfig(ConfigText({.workers = 1}));
  const auto idle = Connect(*server, 100);
  Ledger ledger({.message_address = server->address("message"),
                 .connections_per_protocol = 20,
                 .only_small_payloads = true});
  ledger.Start();
  ASSERT_TRUE(Eventually([&] { return ledger.answered() > 200; }));
  Scale(*server, {"workers=3"});
  EXPECT_TRUE(Eventually([&] {
    const ServerStatus status = ServerStatus::Of(*server);
    return status.Serving("worker").size() == 3 && Unevenness(status) <= 1.25;
  })) << Spread(ServerStatus::Of(*server));
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  ExpectServed(idle);
}

TEST(ScaleDown, MovesTheConnectionsOfThoseThatGo) {
  const auto server = Server::StartWithConfig(ConfigText({.workers = 4}));
  const auto clients = Connect(*server, 200);
  Scale(*server, {"workers=2"});
  ASSERT_TRUE(Comes(*server, "worker", 2));
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_EQ(status.totals.at("connections"), 200u);
  EXPECT_LE(Unevenness(status), 1.8) << Spread(status);  // not all to one of the two
  ExpectServed(clients);
}

TEST(ScaleThatCannotBe, IsRefusedWithTheReasonAndChangesNothing) {
  const auto server = Server::StartWithConfig(
      ConfigText({.in_master = "max_processes = 12", .in_workers = "max = 4"}));
  const auto refused = [&](std::vector<std::string> arguments, const std::string& why) {
    arguments.insert(arguments.begin(), "scale");
    const ProgramResult result = server->Ctl(arguments);
    EXPECT_EQ(result.exit_code, 1) << absl::StrCat(arguments.back(), ": ", result.out);
    EXPECT_TRUE(absl::StrContains(result.err, why)) << result.err;
  };
  refused({"workers=-2"}, "workers must be from 1 to workers.max = 4");
  refused({"workers=5"}, "workers must be from 1 to workers.max = 4");
  refused({"workers=+3"}, "workers must be from 1 to workers.max = 4");
  refused({"pool=-2"}, "pool must be from 1");
  refused({"pool=100"}, "master.max_processes");
  refused({"workers=3", "pool=100"}, "master.max_processes");  // all or nothing
  for (const char* zero : {"workers=0", "pool=0"}) {
    const ProgramResult result = server->Ctl({"scale", zero});
    EXPECT_NE(result.exit_code, 0) << zero;
    EXPECT_NE(result.err, "") << zero;
  }
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_EQ(status.workers.wanted, 2u);
  EXPECT_EQ(status.pool.wanted, 2u);
  EXPECT_EQ(server->Children("worker").size(), 2u);
  EXPECT_EQ(server->Children("pool").size(), 2u);
}

}  // namespace
}  // namespace windlass
