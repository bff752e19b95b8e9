// What handlers print reaches the log, said to be of the job that printed it.
#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "absl/strings/str_cat.h"
#include "tests/scenario/status.h"
#include "tests/scenario/talkative.h"

namespace windlass {
namespace {

TEST(HandlerThatPrints, IsQuotedInTheLogWithItsNameAndItsJob) {
  const TalkativeServer server;
  EXPECT_EQ(server.Ask("say hello"), "");
  EXPECT_TRUE(
      server.LogMatches(" info pool-\\d+\\[\\d+\\] output of append, job \\d+: stderr hello\n"));
  EXPECT_TRUE(server.LogMatches("output of append, job \\d+: plain hello\n"));
  EXPECT_TRUE(server.LogMatches("output of append, job \\d+: stdout hello\n"));
}

TEST(HandlerThatPrints, IsQuotedOnceForEachJob) {
  const TalkativeServer server;
  std::string lines;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&lines, "say number ", i, ".\n");
  Client client(server->address("line"));
  client.Send(lines);
  EXPECT_EQ(client.Read(lines.size()), lines);
  std::map<std::string, int> jobs;  // how many of the numbers each was said to be of
  ASSERT_TRUE(Eventually([&] { return server.LinesWith("stderr number") == 100; }));
  const std::string log = server->Log();
  const std::regex regex("job (\\d+): stderr number (\\d+)\\.");
  for (std::sregex_iterator found(log.begin(), log.end(), regex), end; found != end; ++found) {
    ++jobs[(*found)[1]];
  }
  EXPECT_EQ(jobs.size(), 100u) << "each job has its own";
}

TEST(HandlerThatPrints, LeavesItsLastWordsInTheLog) {
  const TalkativeServer server;
  EXPECT_EQ(server.Ask("die with a reason"), "handler_crashed");
  EXPECT_TRUE(server.LogMatches(
      " master\\[\\d+\\] output of pool-\\d+ \\(pid \\d+\\), which has ended in job \\d+ of "
      "append: die with a reason\n"));
  EXPECT_TRUE(server.LogMatches("SIGABRT \\(Aborted\\) while running job \\d+ of append "));
}

TEST(HandlerThatPrints, LeavesItsLastWordsOverAnUpgrade) {
  const TalkativeServer server;
  Client client(server->address("message"));
  const TemporaryFolder folder;
  client.Send(TalkativeServer::Request("late " + folder.path() + "/now"));
  ASSERT_TRUE(RunsJobs(*server, 1));
  EXPECT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  folder.Write("now", "");
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "handler_crashed");
  EXPECT_TRUE(server.LogMatches("which has ended in job \\d+ of append: late /"));
}

TEST(HandlerThatPrints, WithoutEndCostsABoundedNumberOfLines) {
  const TalkativeServer server;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(server.Ask("flood"), "");
  EXPECT_EQ(server.Ask("say I was here"), "") << "it serves on";
  EXPECT_TRUE(server->LogHas("flood 0\n"));
  EXPECT_TRUE(server.LogMatches("job \\d+: \\(\\d+ more lines\\)"));
  // Of each of two processes: 500 at once, then 50 a second.
  EXPECT_LE(server.LinesWith("flood"), 2000u);
}

}  // namespace
}  // namespace windlass
