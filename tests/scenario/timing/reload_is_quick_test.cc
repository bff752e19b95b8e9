// How long a reload takes, with many connections: run alone.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

using Clients = std::vector<std::unique_ptr<Client>>;

void RaiseDescriptorLimit() {
  rlimit limit;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_max, 12'000u) << "too few descriptors for this test";
}

Clients Connect(const Server& server, size_t count) {
  Clients clients;
  while (clients.size() < count)
    clients.push_back(std::make_unique<Client>(server.address("message")));
  EXPECT_TRUE(Eventually(
      [&] { return ServerStatus::Of(server).totals.at("connections") == clients.size(); }));
  return clients;
}

std::string NameOf(const Client& client) {
  SocketAddress address;
  address.length = sizeof(address.storage);
  ::getsockname(client.fd(), reinterpret_cast<sockaddr*>(&address.storage), &address.length);
  return FormatSocketAddress(address);
}

void Record(const char* name, absl::Duration took) {
  testing::Test::RecordProperty(name, absl::FormatDuration(took));
}

// Until a client that was not there before has its answer from a worker of the new generation. The
// old ones are stopped, so it can be from nobody else.
TEST(Reload, OfAServerWithAThousandConnectionsServesByNewWorkersWithinATenthOfASecond) {
  const auto server = Server::StartWithConfig(ConfigText());
  const Clients clients = Connect(*server, 1000);
  std::vector<absl::Duration> took;
  for (int i = 0; i < 5; ++i) {
    const std::vector<pid_t> old = server->Children("worker");
    for (const pid_t pid : old) ::kill(pid, SIGSTOP);
    Client fresh(server->address("message"));
    fresh.Send(SearchRequest("morpheus"));
    const absl::Time begin = absl::Now();
    server->Signal(SIGHUP);
    ASSERT_TRUE(fresh.ReadAnswer());
    took.push_back(absl::Now() - begin);
    for (const pid_t pid : old) ::kill(pid, SIGCONT);
    ASSERT_TRUE(OldGenerationsEnd(*server));
  }
  std::sort(took.begin(), took.end());
  EXPECT_LE(took[took.size() / 2], absl::Milliseconds(100));
  Record("median", took[took.size() / 2]);
  Record("most", took.back());
}

// The same, while the old workers give a thousand connections away.
TEST(Reload, TakesNewClientsAtNewWorkersWhileConnectionsMove) {
  const auto server = Server::StartWithConfig(ConfigText());
  const Clients clients = Connect(*server, 1000);
  const absl::Time begin = absl::Now();
  server->Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return server->LogHas("generation 2 serves"); }));
  Client fresh(server->address("message"));
  fresh.Send(SearchRequest("morpheus"));
  ASSERT_TRUE(fresh.ReadAnswer());
  const absl::Duration took = absl::Now() - begin;
  EXPECT_LE(took, absl::Milliseconds(100));
  Record("took", took);
  const ServerConnections all = ServerConnections::Of(*server);
  const auto found = std::find_if(all.connections.begin(), all.connections.end(),
                                  [&](const auto& one) { return one.peer == NameOf(fresh); });
  ASSERT_NE(found, all.connections.end());
  EXPECT_EQ(found->generation, 2u);
}

TEST(Reload, MovesTenThousandIdleConnectionsWithinASecond) {
  RaiseDescriptorLimit();
  const auto server = Server::StartWithConfig(ConfigText());
  Clients clients = Connect(*server, 10'000);
  const ServerStatus before = ServerStatus::Of(*server);
  const absl::Time begin = absl::Now();
  server->Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] {
    uint64_t moved = 0;
    const ServerStatus status = ServerStatus::Of(*server);
    for (const ServerStatus::Process& worker : status.Serving("worker"))
      moved += worker.connections;
    return status.generation == before.generation + 1 && moved == clients.size();
  }));
  const absl::Duration took = absl::Now() - begin;
  ASSERT_TRUE(OldGenerationsEnd(*server));
  const absl::Duration gone = absl::Now() - begin;
#ifdef NDEBUG  // optimized, and without sanitizers
  EXPECT_LE(took, absl::Seconds(1));
#endif
  EXPECT_LE(gone - took, absl::Seconds(1));
  Record("took", took);
  Record("old_ones_gone_after", gone);
  for (size_t i = 0; i < clients.size(); i += 100) {
    clients[i]->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(clients[i]->ReadAnswer()) << i;
  }
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("accepted"), clients.size());
}

TEST(ScaleUp, EvensOutTenThousandConnections) {
  RaiseDescriptorLimit();
  const auto server = Server::StartWithConfig(ConfigText({.workers = 1}));
  const Clients clients = Connect(*server, 10'000);
  const absl::Time begin = absl::Now();
  ASSERT_EQ(server->Ctl({"scale", "workers=4"}).exit_code, 0);
  ASSERT_TRUE(Eventually([&] {
    uint64_t most = 0;
    const ServerStatus status = ServerStatus::Of(*server);
    const std::vector<ServerStatus::Process> workers = status.Serving("worker");
    for (const ServerStatus::Process& worker : workers) most = std::max(most, worker.connections);
    // At most 1.25 times the mean.
    return workers.size() == 4 && most * 4 <= clients.size() * 5 / 4;
  }));
  Record("took", absl::Now() - begin);
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_EQ(status.totals.at("connections"), clients.size());
  EXPECT_EQ(status.totals.at("accepted"), clients.size()) << "nobody came again";
  for (size_t i = 0; i < clients.size(); i += 100) {
    clients[i]->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(clients[i]->ReadAnswer()) << i;
  }
}

TEST(Reload, EndsOldProcessesWithinASecondOfTheirLongestJob) {
  const auto server = Server::StartWithConfig(ConfigText());
  const Clients idle = Connect(*server, 100);
  const std::vector<pid_t> workers = server->Children("worker"), pool = server->Children("pool");
  Client client(server->address("message"));
  client.Send(BurnRequest(2000));
  ASSERT_TRUE(RunsJobs(*server, 1));
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(client.ReadAnswer());
  const absl::Time answered = absl::Now();
  for (const std::vector<pid_t>& group : {workers, pool}) {
    for (const pid_t pid : group) ASSERT_TRUE(Eventually([&] { return !ProcessExists(pid); }));
  }
  EXPECT_LE(absl::Now() - answered, absl::Seconds(1));
  Record("after_the_job", absl::Now() - answered);
}

}  // namespace
}  // namespace windlass
