// Many requests on one connection: order, limits and fairness.
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"

namespace windlass {
namespace {

TEST(PipelinedRequests, AreAnsweredInOrderAlthoughSlowAndFastOnesRunInParallel) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  std::string requests;
  for (int i = 0; i < 60; ++i) {
    const std::string id = absl::StrCat(R"(, "request-id": ")", i, "\"");
    requests += i % 5 == 0 ? BurnRequest(10, id) : SearchRequest("ring", id);
  }
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 60; ++i) {
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->request_id, std::to_string(i));
    EXPECT_EQ(answer->content.find("Burned") != std::string::npos, i % 5 == 0) << answer->content;
  }
}

TEST(PipelinedRequests, RunInParallel) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  // A deadline that two jobs one after the other would miss: burn counts CPU time, so a busy
  // machine only makes it harder. Both are out at once if the second one is running while the first
  // one is.
  client.Send(BurnRequest(1500) + BurnRequest(1500));
  EXPECT_TRUE(Eventually([&] {
    const std::vector<pid_t> pool = server->Children("pool");
    return pool.size() == 2 && CpuTime(pool[0]) > absl::Milliseconds(300) &&
           CpuTime(pool[1]) > absl::Milliseconds(300);
  }));
  EXPECT_TRUE(client.ReadAnswer());
  EXPECT_TRUE(client.ReadAnswer());
}

TEST(PipelinedRequests, BeyondMaxInFlightWaitInTheClientAndAreAllAnswered) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  std::string requests;
  for (int i = 0; i < 3000; ++i)
    requests += SearchRequest("morpheus", absl::StrCat(R"(, "request-id": ")", i, "\""));
  std::thread sender([&] { EXPECT_TRUE(client.Send(requests)); });
  for (int i = 0; i < 3000; ++i) {
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer) << i;
    ASSERT_EQ(answer->request_id, std::to_string(i));
  }
  sender.join();
}

TEST(Flood, OfOneClientDelaysAnotherClientsSingleJobByFewJobTimes) {
  const auto server = Server::StartUsual();
  constexpr int kJobMs = 5;
  Client flooder(server->address("message"));
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += BurnRequest(kJobMs);
  std::thread sender([&] { flooder.Send(flood); });
  std::thread taker([&] {
    for (int i = 0; i < 1000; ++i) {
      if (!flooder.ReadAnswer()) return;
    }
  });
  absl::SleepFor(absl::Milliseconds(200));  // the flood is what is tested, so it must have begun
  // One job alone, as the machine is now: what a job time is worth here.
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
  EXPECT_LE(first, 10 * absl::Milliseconds(kJobMs));
  EXPECT_LE(mean, 6 * absl::Milliseconds(kJobMs));
  RecordProperty("first_ms", absl::FormatDuration(first));
  RecordProperty("mean_ms", absl::FormatDuration(mean));
  flooder.ShutdownWrite();
  sender.join();
  taker.join();
}

TEST(FullQueue, IsAnsweredOverloadedWithAHintAndNothingElseIsLost) {
  const auto server = Server::StartUsual({"--set=pool.queue=8", "--workers=1", "--pool=1"});
  Client client(server->address("message"));
  std::string requests;
  for (int i = 0; i < 40; ++i) requests += BurnRequest(50);
  ASSERT_TRUE(client.Send(requests));
  int done = 0, refused = 0;
  for (int i = 0; i < 40; ++i) {
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer) << i;
    if (answer->status.empty()) ++done;
    if (answer->status == "overloaded") {
      ++refused;
      EXPECT_NE(answer->content.find("retry in"), std::string::npos) << answer->content;
    }
  }
  EXPECT_EQ(done + refused, 40);
  EXPECT_GE(done, 9);
  EXPECT_GE(refused, 1);
}

}  // namespace
}  // namespace windlass
