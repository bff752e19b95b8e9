// Processes that die again and again: without a reason they are tried ever more slowly; by the
// fault of jobs they are replaced at once.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// Kills whatever comes, as soon as it is seen, for so long and until the server gives the role up;
// returns who that was.
std::set<pid_t> KillAllThatCome(const Server& server, const std::string& role,
                                absl::Duration how_long) {
  std::set<pid_t> killed;
  const absl::Time end = absl::Now() + how_long, at_last = end + kSoon;
  const std::string given_up = absl::StrCat("FAILED: no ", role, " process can be started");
  while (absl::Now() < end || (!server.LogHas(given_up) && absl::Now() < at_last)) {
    for (const pid_t pid : server.Children(role)) {
      if (::kill(pid, SIGKILL) == 0) killed.insert(pid);
    }
    absl::SleepFor(absl::Milliseconds(2));  // /proc is long
  }
  return killed;
}

TEST(PoolProcessesThatDieIdle, AreTriedEverMoreSlowlyAndAreThereAgainAfterwards) {
  const auto server = Server::StartWithConfig(ConfigText());
  const std::set<pid_t> killed = KillAllThatCome(*server, "pool", absl::Seconds(3));
  // 100, 200, 400, 800, 1600 ms: five each and the first ones; without back-off it were hundreds.
  EXPECT_GE(killed.size(), 6u);
  EXPECT_LE(killed.size(), 16u);
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_EQ(status.state, "degraded");
  EXPECT_EQ(status.failed_roles, std::vector<std::string>{"pool"});
  uint64_t quick_deaths = 0;
  for (const ServerStatus::Process& process : status.processes)
    quick_deaths = std::max(quick_deaths, process.quick_deaths);
  EXPECT_GE(quick_deaths, 5u);
  EXPECT_GE(status.totals.at("deaths"), killed.size() - 2);  // the last ones may not be reaped yet
  EXPECT_TRUE(server->LogHas("FAILED: no pool process can be started"));
  EXPECT_TRUE(server->LogHas("next try in"));
  // A client that comes now waits, and is served when there is somebody again.
  EXPECT_TRUE(Serves(server->address("message")));
  EXPECT_TRUE(Eventually([&] { return ServerStatus::Of(*server).state == "serving"; }));
  EXPECT_TRUE(Eventually([&] { return ServerStatus::Of(*server).Serving("pool").size() == 2; }));
  EXPECT_TRUE(ServerStatus::Of(*server).failed_roles.empty());
}

TEST(WorkersThatDieIdle, AreTriedEverMoreSlowlyAndAreThereAgainAfterwards) {
  const auto server = Server::StartWithConfig(ConfigText());
  const std::set<pid_t> killed = KillAllThatCome(*server, "worker", absl::Seconds(3));
  EXPECT_GE(killed.size(), 6u);
  EXPECT_LE(killed.size(), 16u);
  EXPECT_EQ(ServerStatus::Of(*server).failed_roles, std::vector<std::string>{"worker"});
  EXPECT_TRUE(Serves(server->address("message")));  // it waits in the accept queue
  EXPECT_TRUE(Eventually([&] { return ServerStatus::Of(*server).state == "serving"; }));
}

TEST(RoleThatHasFailed, IsMendedByAReload) {
  const auto server = Server::StartWithConfig(ConfigText());
  KillAllThatCome(*server, "pool", absl::Milliseconds(2000));
  ASSERT_EQ(ServerStatus::Of(*server).state, "degraded");
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(OldGenerationsEnd(*server));
  EXPECT_EQ(ServerStatus::Of(*server).state, "serving");
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(PoolProcessesThatDieByTheirJobs, AreReplacedAtOnceHoweverManyThereAre) {
  const auto server = Server::StartWithConfig(ConfigText(
      {.handlers = "[[handler]]\nname = \"burn\"\nbuiltin = \"burn\"\nidempotent = false\n"}));
  Client hostile(server->address("message")), other(server->address("message"));
  std::vector<absl::Duration> until_replaced;
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(hostile.Send(BurnRequest(60'000)));
    pid_t victim = 0;
    ASSERT_TRUE(Eventually([&] {
      for (const ServerStatus::Process& process : ServerStatus::Of(*server).processes) {
        if (process.role == "pool" && !process.job_id.empty()) victim = process.pid;
      }
      return victim != 0;
    })) << i;
    ::kill(victim, SIGKILL);
    const absl::Time killed = absl::Now();
    other.Send(SearchRequest("morpheus"));
    ASSERT_TRUE(Eventually([&] {
      const std::vector<pid_t> pool = ServerStatus::Of(*server).Pids("pool");
      return pool.size() == 2 && std::find(pool.begin(), pool.end(), victim) == pool.end();
    })) << i;
    until_replaced.push_back(absl::Now() - killed);
    const std::optional<MessageAnswer> crashed = hostile.ReadAnswer(), well = other.ReadAnswer();
    ASSERT_TRUE(crashed && well);
    EXPECT_EQ(crashed->status, "handler_crashed");
    EXPECT_EQ(well->content, kRabbit);
  }
  std::sort(until_replaced.begin(), until_replaced.end());
  EXPECT_LT(until_replaced[until_replaced.size() / 2], absl::Milliseconds(200));
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_TRUE(status.failed_roles.empty());
  EXPECT_EQ(status.totals.at("deaths"), 30u);
  for (const ServerStatus::Process& process : status.processes)
    EXPECT_EQ(process.quick_deaths, 0u) << process.role;
}

}  // namespace
}  // namespace windlass
