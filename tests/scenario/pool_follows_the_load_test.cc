// pool.min and pool.max: as many processes as jobs wait for.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/faulty.h"
#include "tests/scenario/http_get.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

constexpr int kMin = 1, kMax = 6;

std::string Following(absl::string_view shrink_after = "500ms", absl::string_view more = "") {
  std::string text = ConfigText(
      {.pool = 1,
       .in_pool = absl::StrCat("min = ", kMin, "\nmax = ", kMax,
                               "\ngrow_after = \"50ms\"\nshrink_after = \"", shrink_after, "\"\n"),
       .handlers = FaultText("idempotent = false")});
  return absl::StrCat(text, more);
}

uint64_t Processes(const Server& server) { return ServerStatus::Of(server).Serving("pool").size(); }

// Ten clients of sleeping jobs; nothing of it costs CPU.
std::vector<std::unique_ptr<Client>> Load(const Server& server, int ms) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<Client>(server.address("message")));
    EXPECT_TRUE(clients.back()->Send(FaultRequest("sleep", absl::StrCat(R"("ms": )", ms))));
  }
  return clients;
}

TEST(PoolThatFollowsTheLoad, GrowsToMaxShrinksToMinAndLeavesItsBoundsNever) {
  const auto server = Server::StartWithConfig(Following());
  ASSERT_EQ(Processes(*server), 1u);
  for (int round = 0; round < 2; ++round) {
    const auto clients = Load(*server, 2000);
    uint64_t most = 0;
    ASSERT_TRUE(Eventually([&] {
      most = std::max(most, Processes(*server));
      return most >= kMax;
    }));
    EXPECT_EQ(most, static_cast<uint64_t>(kMax));
    EXPECT_EQ(server->Children("pool").size(), static_cast<size_t>(kMax));
    for (const auto& client : clients) ASSERT_EQ(client->ReadAnswer(absl::Seconds(20))->status, "");
    ASSERT_TRUE(Eventually([&] { return server->Children("pool").size() == kMin; }));
  }
  EXPECT_TRUE(server->LogHas("pool default: 2 processes after 1, jobs wait for"));
  EXPECT_TRUE(server->LogHas("the others had nothing to do"));
}

TEST(PoolThatFollowsTheLoad, IsShownInStatusAndMetrics) {
  const auto server = Server::StartWithConfig(Following(), {"--set=admin.address=\"127.0.0.1:0\""});
  const ServerStatus status = ServerStatus::Of(*server);
  ASSERT_EQ(status.pools.size(), 1u);
  EXPECT_EQ(status.pools[0].name, "default");
  EXPECT_EQ(status.pools[0].min, static_cast<uint64_t>(kMin));
  EXPECT_EQ(status.pools[0].max, static_cast<uint64_t>(kMax));
  EXPECT_EQ(status.pools[0].ready, 1u);
  EXPECT_TRUE(absl::StrContains(server->Ctl({"status"}).out, "POOLS\n"));
  const std::string metrics = HttpGet(server->admin_address(), "/metrics")->content;
  for (const char* name :
       {"processes_wanted", "processes_ready", "jobs_running", "jobs_waiting", "payload_bytes"}) {
    EXPECT_TRUE(
        absl::StrContains(metrics, absl::StrCat("windlass_pool_", name, "{pool=\"default\"} ")))
        << metrics;
  }
}

TEST(PoolThatFollowsTheLoad, DoesNotGrowForWorkThatFits) {
  const auto server = Server::StartWithConfig(Following());
  Client client(server->address("message"));
  for (int i = 0; i < 20; ++i) {  // one after the other: nothing waits
    ASSERT_TRUE(client.Send(FaultRequest("sleep", R"("ms": 100)")));
    ASSERT_TRUE(client.ReadAnswer());
  }
  EXPECT_FALSE(server->LogHas("processes after"));
}

TEST(PoolThatFollowsTheLoad, KeepsItsSizeOverAReloadAndAnUpgrade) {
  const auto server = Server::StartWithConfig(Following("1h"));
  const auto clients = Load(*server, 500);
  for (const auto& client : clients) ASSERT_TRUE(client->ReadAnswer());
  const uint64_t grown = Processes(*server);
  ASSERT_GT(grown, 1u);
  ASSERT_TRUE(Reload(*server));
  EXPECT_EQ(Processes(*server), grown);
  ASSERT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  EXPECT_EQ(Processes(*server), grown);
}

TEST(PoolThatFollowsTheLoad, AnOperatorStaysWithinItsBounds) {
  const auto server = Server::StartWithConfig(Following("1h"));
  EXPECT_EQ(server->Ctl({"scale", "pool=3"}).exit_code, 0);
  EXPECT_TRUE(Eventually([&] { return Processes(*server) == 3; }));
  const ProgramResult beyond = server->Ctl({"scale", "pool=7"});
  EXPECT_EQ(beyond.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(beyond.err, "pool must be from 1 to 6")) << beyond.err;
}

TEST(PoolThatFollowsTheLoad, LosesNothingWhileItBreathes) {
  const auto server = Server::StartWithConfig(
      ConfigText({.pool = 1,
                  .in_pool = "max = 4\ngrow_after = \"1ms\"\nshrink_after = \"100ms\"\n",
                  .handlers = FaultText("idempotent = false") + "[[handler]]\nname = \"echo\"\n",
                  .listeners = ListenerText("message")}));
  for (int round = 0; round < 3; ++round) {
    Ledger ledger({.message_address = server->address("message"), .seed = 1u + round});
    ledger.Start();
    const auto sleepers = Load(*server, 200);
    for (const auto& sleeper : sleepers) ASSERT_TRUE(sleeper->ReadAnswer());
    ledger.Stop();
    ASSERT_EQ(ledger.troubles(), 0u) << ledger.Report();
    absl::SleepFor(absl::Milliseconds(500));
  }
  EXPECT_TRUE(server->LogHas("processes after"));
}

}  // namespace
}  // namespace windlass
