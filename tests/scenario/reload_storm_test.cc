// Many reloads in a short time.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

TEST(ReloadStorm, OfTenASecondIsNoticedByNoClient) {
  const auto server = Server::StartWithConfig(ConfigText());
  Ledger ledger(
      {.message_address = server->address("message"), .line_address = server->address("line")});
  ledger.Start();
  const absl::Time begin = absl::Now();
  for (int i = 0; i < 100; ++i) {
    // Not a wait for anything: it is the rate that is tested.
    absl::SleepFor(begin + i * absl::Milliseconds(100) - absl::Now());
    server->Signal(SIGHUP);
  }
  ASSERT_TRUE(OldGenerationsEnd(*server));
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.refused(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.in_flight(), 0u) << ledger.Report();
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_GE(status.generation, 10u);  // some are merged, while processes start
  EXPECT_TRUE(status.last_reload && status.last_reload->ok);
  EXPECT_EQ(status.totals.at("deaths"), 0u);
  EXPECT_GT(status.totals.at("connections_moved"), 0u);
}

TEST(ReloadStorm, OfCommandsAtTheSameTimeEndsWellForEachOfThem) {
  const auto server = Server::StartWithConfig(ConfigText());
  constexpr int kCommands = 5;
  std::vector<ProgramResult> results(kCommands);
  std::vector<std::thread> threads;
  for (int i = 0; i < kCommands; ++i)
    threads.emplace_back([&, i] { results[static_cast<size_t>(i)] = server->Ctl({"reload"}); });
  for (std::thread& thread : threads) thread.join();
  for (const ProgramResult& result : results) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(absl::StrContains(result.out, "serves")) << result.out;
  }
  // Those that came during one are one after it.
  const uint64_t generation = ServerStatus::Of(*server).generation;
  EXPECT_GE(generation, 2u);
  EXPECT_LE(generation, 6u);
  EXPECT_TRUE(OldGenerationsEnd(*server));
}

TEST(ReloadStorm, KeepsToMaxGenerationsAndSaysWhatItWaitsFor) {
  const auto server = Server::StartWithConfig(ConfigText({.in_master = "max_generations = 2"}));
  Client client(server->address("message"));
  client.Send(BurnRequest(2500));
  ASSERT_TRUE(RunsJobs(*server, 1));
  ASSERT_TRUE(Reload(*server));  // the job holds generation 1
  ProgramResult held;
  std::thread waiting([&] { held = server->Ctl({"reload"}); });
  EXPECT_TRUE(Eventually([&] {
    const ServerStatus status = ServerStatus::Of(*server);
    return absl::StrContains(status.generations.at(0).note, "a reload waits for generation 1");
  }));
  EXPECT_TRUE(server->LogHas("a reload waits for generation 1"));
  bool answered = false;
  size_t most = 0;
  std::thread reader([&] {
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    answered = answer && answer->status.empty();
  });
  EXPECT_TRUE(Eventually([&] {
    const ServerStatus status = ServerStatus::Of(*server);
    most = std::max(most, status.generations.size());
    return status.generation == 3;
  }));
  waiting.join();
  reader.join();
  EXPECT_LE(most, 2u);
  EXPECT_TRUE(answered) << "the job was cut";
  EXPECT_EQ(held.exit_code, 0) << held.err;
  EXPECT_TRUE(OldGenerationsEnd(*server));
}

TEST(ReloadThatWaitsForAJob, TellsWhoAskedForItWhichJobThatIs) {
  const auto server = Server::StartWithConfig(ConfigText({.in_master = "max_generations = 2"}));
  Client client(server->address("message"));
  client.Send(BurnRequest(1000));
  ASSERT_TRUE(RunsJobs(*server, 1));
  const std::string job = ServerJobs::Of(*server).jobs.at(0).id;
  ASSERT_TRUE(Reload(*server));
  const ProgramResult held = server->Ctl({"reload"});
  EXPECT_EQ(held.exit_code, 0) << held.err;
  EXPECT_TRUE(absl::StrContains(held.out, "waits for generation 1")) << held.out;
  EXPECT_TRUE(absl::StrContains(held.out, job)) << job << " is not in " << held.out;
  EXPECT_TRUE(client.ReadAnswer());
}

TEST(ReloadThatWaitsForAJob, DoesNotOutliveDrainTimeout) {
  const auto server = Server::StartWithConfig(
      ConfigText({.in_master = "max_generations = 2\ndrain_timeout = \"500ms\""}));
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000, R"(, "request-id": "cut")"));
  ASSERT_TRUE(RunsJobs(*server, 1));
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(Reload(*server));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->request_id, "cut");
  EXPECT_EQ(answer->status, "unavailable");
  EXPECT_TRUE(OldGenerationsEnd(*server));
}

TEST(ReloadThatWaitsForAJob, HearsOfAServerThatStops) {
  const auto server = Server::StartWithConfig(ConfigText({.in_master = "max_generations = 2"}));
  Client client(server->address("message"));
  client.Send(BurnRequest(1500));
  ASSERT_TRUE(RunsJobs(*server, 1));
  ASSERT_TRUE(Reload(*server));
  ProgramResult held;
  std::thread waiting([&] { held = server->Ctl({"reload"}); });
  EXPECT_TRUE(Eventually([&] { return server->LogHas("a reload waits for"); }));
  server->Signal(SIGTERM);
  waiting.join();
  EXPECT_EQ(held.exit_code, 1) << held.out << held.err;  // with a reason, not with a hang-up
  EXPECT_TRUE(absl::StrContains(held.err, "stop")) << held.err;
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "");
  EXPECT_EQ(server->WaitForEnd(), 0);
}

}  // namespace
}  // namespace windlass
