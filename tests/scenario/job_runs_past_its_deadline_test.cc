// A job that does not end costs its process, some time after its deadline, and nobody else
// anything.
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/status.h"
#include "tests/scenario/talkative.h"

namespace windlass {
namespace {

constexpr absl::string_view kShortDeadline = ", \"deadline-ms\": 200";

TEST(JobThatHangs, CostsItsProcessAfterTheDeadlineAndTheGrace) {
  const TalkativeServer server;
  const std::vector<pid_t> before = server->Children("pool");
  EXPECT_EQ(server.Ask("hang on", kShortDeadline), "deadline_exceeded");
  EXPECT_EQ(server->Children("pool"), before) << "the handler has some time to notice";
  EXPECT_TRUE(server.LogMatches(
      "killing pool-\\d+ \\(pid \\d+\\): job \\d+ of append is [5-9]\\d\\dms past its deadline\n"));
  EXPECT_TRUE(server.LogMatches("which has ended in job \\d+ of append: hang on\n"));
  const std::string deaths = server->Ctl({"deaths"}).out;
  EXPECT_TRUE(absl::StrContains(deaths, "past its deadline")) << deaths;
  EXPECT_TRUE(Eventually([&] { return ServerStatus::Of(*server).Serving("pool").size() == 2; }));
  EXPECT_NE(server->Children("pool"), before);
  EXPECT_EQ(server.Ask("fine"), "");
}

TEST(JobThatHangs, IsAnsweredOnceAndTheOthersAsEver) {
  const TalkativeServer server;
  Client hangs(server->address("message"));
  hangs.Send(TalkativeServer::Request("hang 1", kShortDeadline) +
             TalkativeServer::Request("after it"));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(server.Ask("fine"), "");
  std::optional<MessageAnswer> answer = hangs.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "deadline_exceeded");
  answer = hangs.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->content, "after it");
  EXPECT_TRUE(server.LogMatches("past its deadline\n"));
  EXPECT_EQ(hangs.Read(1, absl::Milliseconds(300)), "") << "the kill is no second answer";
}

TEST(JobThatHangs, InEveryProcessStopsThePoolNoLongerThanThat) {
  const TalkativeServer server;
  Client hangs(server->address("message"));
  for (int i = 0; i < 4; ++i) hangs.Send(TalkativeServer::Request("hang here", kShortDeadline));
  EXPECT_EQ(server.Ask("fine"), "") << "well within its own deadline";
  EXPECT_EQ(ServerStatus::Of(*server).failed_roles, std::vector<std::string>{});
}

TEST(JobThatHangs, IsEndedInADrainingGenerationToo) {
  const TalkativeServer server;
  Client hangs(server->address("message"));
  hangs.Send(TalkativeServer::Request("hang here", ", \"deadline-ms\": 500"));
  ASSERT_TRUE(RunsJobs(*server, 1));
  ASSERT_TRUE(Reload(*server));
  const std::optional<MessageAnswer> answer = hangs.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "deadline_exceeded");
  EXPECT_TRUE(OldGenerationsEnd(*server));
}

TEST(JobThatNoticesItsDeadline, CostsNothing) {
  const auto server = Server::StartUsual();
  const std::vector<pid_t> before = server->Children("pool");
  Client client(server->address("message"));
  for (int i = 0; i < 4; ++i) client.Send(BurnRequest(60'000, kShortDeadline));
  for (int i = 0; i < 4; ++i) {
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, "deadline_exceeded");
  }
  absl::SleepFor(absl::Seconds(1));  // as long as a kill could take
  EXPECT_EQ(server->Children("pool"), before);
}

TEST(JobThatNoticesItsDeadline, IsNotSaidToHaveRunForLonger) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  ASSERT_TRUE(Eventually([&] {  // the job and the master notice it at the same time
    for (int i = 0; i < 10; ++i) client.Send(BurnRequest(60'000, ", \"deadline-ms\": 150"));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(client.ReadAnswer());
    return server->LogHas("has been running job");
  }));
  const std::string log = server->Log();
  static const std::regex kSlow("has been running job \\d+ of burn for (\\d+)ms");
  for (std::sregex_iterator it(log.begin(), log.end(), kSlow), end; it != end; ++it) {
    EXPECT_LE(std::stoi((*it)[1]), 170) << it->str();
  }
}

TEST(JobsThatEndInTime, AreNotTakenForTheirPredecessors) {
  const auto server = Server::StartUsual({"--pool=1"});
  const std::vector<pid_t> before = server->Children("pool");
  Client client(server->address("message"));
  const absl::Time end = absl::Now() + absl::Seconds(2);
  while (absl::Now() < end) {
    // Deadlines that are over long before the next job is.
    client.Send(BurnRequest(1, ", \"deadline-ms\": 50") + BurnRequest(300));
    for (int i = 0; i < 2; ++i) {
      const std::optional<MessageAnswer> answer = client.ReadAnswer();
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->status, "");
    }
  }
  EXPECT_EQ(server->Children("pool"), before);
}

}  // namespace
}  // namespace windlass
