// Fairness in time: run alone, because what is measured is how long answers take.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/scenario/client.h"

namespace windlass {
namespace {

TEST(Flood, OfOneClientDelaysAnotherClientsSingleJobByFewJobTimes) {
  const auto server = Server::StartUsual();
  constexpr int kJobMs = 5;
  Client flooder(server->address("message"));
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += BurnRequest(kJobMs);
  std::thread sender([&] { flooder.Send(flood); });
  std::atomic<int> taken = 0;
  std::thread taker([&] {
    for (int i = 0; i < 1000; ++i) {
      if (!flooder.ReadAnswer()) return;
      ++taken;
    }
  });
  absl::SleepFor(absl::Milliseconds(200));  // the flood is what is tested, so it must have begun
  const absl::Time begin = absl::Now();
  Client client(server->address("message"));
  absl::Duration first;
  constexpr int kJobs = 100;
  for (int i = 0; i < kJobs; ++i) {
    const absl::Time sent = absl::Now();
    ASSERT_TRUE(client.Send(BurnRequest(kJobMs)));
    ASSERT_TRUE(client.ReadAnswer());
    if (i == 0) first = absl::Now() - sent;
  }
  const absl::Duration mean = (absl::Now() - begin) / kJobs;
  EXPECT_LT(taken, 1000) << "the flood ended too early to be one";
  EXPECT_LE(first, 10 * absl::Milliseconds(kJobMs));
  EXPECT_LE(mean, 6 * absl::Milliseconds(kJobMs));
  RecordProperty("first_ms", absl::FormatDuration(first));
  RecordProperty("mean_ms", absl::FormatDuration(mean));
  flooder.ShutdownWrite();
  sender.join();
  taker.join();
}

}  // namespace
}  // namespace windlass
