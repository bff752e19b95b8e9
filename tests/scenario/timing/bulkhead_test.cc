// A pool of its own: how long others wait while it hangs.
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/faulty.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

constexpr size_t kProcesses = 2;  // of pool bad

// The 99th percentile of the round trips of one client's jobs in the default pool.
absl::Duration P99(Client* client, int requests) {
  std::vector<absl::Duration> times;
  for (int i = 0; i < requests; ++i) {
    const absl::Time begun = absl::Now();
    EXPECT_TRUE(client->Send(MessageRequest("x", "x", "binary", R"(, "handler": "echo")")));
    EXPECT_TRUE(client->ReadAnswer());
    times.push_back(absl::Now() - begun);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() * 99 / 100];
}

bool IsWhole(const Server& server) {
  const ServerStatus status = ServerStatus::Of(server);
  return status.pools.size() == 2 && status.pools[1].ready == kProcesses &&
         status.pools[1].running == 0;
}

TEST(Bulkheads, APoolFullOfHangsDelaysNobodyElse) {
  const auto server = Server::StartWithConfig(
      ConfigText({.in_pool = absl::StrCat("[pool.bad]\nprocesses = ", kProcesses, "\nqueue = 8\n"),
                  .handlers = FaultText("pool = \"bad\"\nidempotent = false")}));
  Client client(server->address("message"));
  (void)P99(&client, 500);
  // In turns, because the machine is not always the same; the best of each is what it can do.
  absl::Duration alone = absl::InfiniteDuration(), beside = absl::InfiniteDuration();
  for (int round = 0; round < 4; ++round) {
    alone = std::min(alone, P99(&client, 1500));
    std::vector<std::unique_ptr<Client>> hung;  // as many again wait
    for (size_t i = 0; i < 3 * kProcesses; ++i) {
      hung.push_back(std::make_unique<Client>(server->address("message")));
      ASSERT_TRUE(hung.back()->Send(FaultRequest("sleep", R"("ms": 60000)")));
    }
    ASSERT_TRUE(RunsJobs(*server, kProcesses));
    beside = std::min(beside, P99(&client, 1500));
    hung.clear();
    ASSERT_TRUE(Eventually([&] {
      for (const ServerJobs::Job& job : ServerJobs::Of(*server).jobs) {
        server->Ctl({"kill-job", job.id});
      }
      return IsWhole(*server);
    }));
  }
  EXPECT_LE(beside, 1.5 * alone);
}

}  // namespace
}  // namespace windlass
