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
