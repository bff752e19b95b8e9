// What handlers print reaches the log, said to be of the job that printed it.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <regex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// A server whose `append` has the habits of tests/scenario/talkative_writev.c.
class HandlerThatPrints : public testing::Test {
 protected:
  HandlerThatPrints() {
    const std::string sink = folder_.Write("sink", "");
    ::chmod(sink.c_str(), 0666);  // pool processes run as nobody
    ::setenv("LD_PRELOAD", WINDLASS_BUILD_DIR "/tests/libtalkative_writev.so", 1);
    // Sanitizers want to be the first library.
    ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    server_ = Server::StartWithConfig(ConfigText(
        {.handlers = HandlerText("append", absl::StrCat("file = \"", sink, "\"")),
         .listeners = ListenerText("message") + ListenerText("line", "handler = \"append\"\n")}));
    ::unsetenv("LD_PRELOAD");
  }

  // The answer's status; "" = ok.
  std::string Ask(const std::string& content) {
    Client client(server_->address("message"));
    client.Send(MessageRequest(content, "text/plain", "utf-8", ", \"handler\": \"append\""));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    return answer ? answer->status : "(none)";
  }
  bool LogMatches(const std::string& pattern) const {
    const std::regex regex(pattern);
    return Eventually([&] { return std::regex_search(server_->Log(), regex); });
  }
  size_t LinesWith(const std::string& text) const {
    size_t count = 0;
    for (absl::string_view line : absl::StrSplit(server_->Log(), '\n')) {
      count += absl::StrContains(line, text) ? 1 : 0;
    }
    return count;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
};

TEST_F(HandlerThatPrints, IsQuotedInTheLogWithItsNameAndItsJob) {
  EXPECT_EQ(Ask("say hello"), "");
  EXPECT_TRUE(LogMatches(" info pool-\\d+\\[\\d+\\] output of append, job \\d+: stderr hello\n"));
  EXPECT_TRUE(LogMatches("output of append, job \\d+: plain hello\n"));
  EXPECT_TRUE(LogMatches("output of append, job \\d+: stdout hello\n"));
}

TEST_F(HandlerThatPrints, IsQuotedOnceForEachJob) {
  std::string lines;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&lines, "say number ", i, ".\n");
  Client client(server_->address("line"));
  client.Send(lines);
  EXPECT_EQ(client.Read(lines.size()), lines);
  std::map<std::string, int> jobs;  // how many of the numbers each was said to be of
  ASSERT_TRUE(Eventually([&] { return LinesWith("stderr number") == 100; }));
  const std::string log = server_->Log();
  const std::regex regex("job (\\d+): stderr number (\\d+)\\.");
  for (std::sregex_iterator found(log.begin(), log.end(), regex), end; found != end; ++found) {
    ++jobs[(*found)[1]];
  }
  EXPECT_EQ(jobs.size(), 100u) << "each job has its own";
}

TEST_F(HandlerThatPrints, LeavesItsLastWordsInTheLog) {
  EXPECT_EQ(Ask("die with a reason"), "handler_crashed");
  EXPECT_TRUE(LogMatches(
      " master\\[\\d+\\] output of pool-\\d+ \\(pid \\d+\\), which has ended in job \\d+ of "
      "append: die with a reason\n"));
  EXPECT_TRUE(LogMatches("SIGABRT \\(Aborted\\) while running job \\d+ of append\n"));
}

TEST_F(HandlerThatPrints, LeavesItsLastWordsOverAnUpgrade) {
  Client client(server_->address("message"));
  client.Send(MessageRequest("late but heard", "text/plain", "utf-8", ", \"handler\": \"append\""));
  ASSERT_TRUE(RunsJobs(*server_, 1));
  EXPECT_EQ(server_->Ctl({"upgrade"}).exit_code, 0);
  EXPECT_FALSE(server_->LogHas("late but heard")) << "the upgrade came too late";
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "handler_crashed");
  EXPECT_TRUE(LogMatches("which has ended in job \\d+ of append: late but heard\n"));
}

TEST_F(HandlerThatPrints, WithoutEndCostsABoundedNumberOfLines) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Ask("flood"), "");
  EXPECT_EQ(Ask("say I was here"), "") << "it serves on";
  EXPECT_TRUE(server_->LogHas("flood 0\n"));
  EXPECT_TRUE(LogMatches("job \\d+: \\(\\d+ more lines\\)"));
  // Of each of two processes: 500 at once, then 50 a second.
  EXPECT_LE(LinesWith("flood"), 2000u);
}

}  // namespace
}  // namespace windlass
