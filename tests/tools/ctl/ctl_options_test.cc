#include "tools/ctl/ctl_options.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

using Request = proto::CtlRequest;

absl::StatusOr<CtlOptions> Parse(std::vector<std::string> args) { return ParseCtlOptions(args); }

Request RequestOf(std::vector<std::string> args) {
  const auto options = ParseCtlOptions(args);
  EXPECT_TRUE(options.ok()) << options.status();
  return options.ok() ? options->request : Request();
}

void ExpectUsageError(std::vector<std::string> args, absl::string_view part) {
  const auto options = ParseCtlOptions(args);
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(options.status().message(), part)) << options.status();
}

TEST(CtlOptions, EveryCommandAsksForWhatItIsCalled) {
  const struct {
    std::vector<std::string> args;
    Request::WhatCase what;
    absl::Duration timeout;
  } kCases[] = {{{"status"}, Request::kStatus, absl::Seconds(5)},
                {{"reload"}, Request::kReload, absl::Seconds(120)},
                {{"scale", "pool=1"}, Request::kScale, absl::Seconds(120)},
                {{"upgrade"}, Request::kUpgrade, absl::Seconds(120)},
                {{"drain"}, Request::kDrain, absl::Seconds(120)},
                {{"stop"}, Request::kStop, absl::Seconds(120)},
                {{"reopen-logs"}, Request::kReopenLogs, absl::Seconds(5)},
                {{"connections"}, Request::kConnections, absl::Seconds(5)},
                {{"jobs"}, Request::kJobs, absl::Seconds(5)},
                {{"kill-job", "7"}, Request::kKillJob, absl::Seconds(5)},
                {{"deaths"}, Request::kDeaths, absl::Seconds(5)},
                {{"quarantine"}, Request::kQuarantine, absl::Seconds(5)},
                {{"quarantine", "clear", "all"}, Request::kClearQuarantine, absl::Seconds(5)},
                {{"log-level", "info"}, Request::kLogLevel, absl::Seconds(5)},
                {{"version"}, Request::kVersion, absl::Seconds(5)}};
  for (const auto& one : kCases) {
    const auto options = Parse(one.args);
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->task, CtlTask::kAskServer);
    EXPECT_EQ(options->request.what_case(), one.what) << one.args[0];
    EXPECT_EQ(options->timeout, one.timeout) << one.args[0];
    EXPECT_EQ(options->control, "");
    EXPECT_FALSE(options->json);
  }
}

TEST(CtlOptions, TopAsksForTheStatusEverySoOften) {
  const auto top = Parse({"top"});
  ASSERT_TRUE(top.ok()) << top.status();
  EXPECT_EQ(top->task, CtlTask::kTop);
  EXPECT_EQ(top->request.what_case(), Request::kStatus);
  EXPECT_EQ(top->interval, absl::Seconds(1));
  EXPECT_EQ(Parse({"top", "--interval=2"})->interval, absl::Seconds(2));
  EXPECT_EQ(Parse({"top", "--interval=0.25"})->interval, absl::Milliseconds(250));
  EXPECT_EQ(Parse({"top", "--interval=500ms"})->interval, absl::Milliseconds(500));
  for (const char* wrong : {"0", "0.09", "-1", "nan", "inf", "3601", "soon", ""}) {
    ExpectUsageError({"top", absl::StrCat("--interval=", wrong)}, "no number of seconds");
  }
  ExpectUsageError({"status", "--interval=1"}, "--interval does not belong to 'status'");
  ExpectUsageError({"top", "--json"}, "--json does not belong to 'top'");
}

TEST(CtlOptions, ColoursAreChosenForEveryCommand) {
  EXPECT_EQ(Parse({"status"})->colour, ColourChoice::kAuto);
  EXPECT_EQ(Parse({"status", "--color=auto"})->colour, ColourChoice::kAuto);
  EXPECT_EQ(Parse({"jobs", "--color=always"})->colour, ColourChoice::kAlways);
  EXPECT_EQ(Parse({"top", "--color=never"})->colour, ColourChoice::kNever);
  ExpectUsageError({"status", "--color=alway"}, "did you mean 'always'?");
}

TEST(CtlOptions, OptionsMayStandBeforeAndAfterTheCommand) {
  for (const auto& args :
       {std::vector<std::string>{"--control=/a", "--timeout=1s", "jobs", "--json"},
        std::vector<std::string>{"--json", "jobs", "--timeout", "1s", "--control", "/a"}}) {
    const auto options = Parse(args);
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->control, "/a");
    EXPECT_EQ(options->timeout, absl::Seconds(1));
    EXPECT_TRUE(options->json);
    EXPECT_TRUE(options->request.has_jobs());
  }
}

TEST(CtlOptions, ATimeoutOfZeroIsNoLimit) {
  EXPECT_EQ(Parse({"drain", "--timeout=0"})->timeout, absl::InfiniteDuration());
}

TEST(CtlOptions, ReloadMayOnlyCheck) {
  EXPECT_FALSE(RequestOf({"reload"}).reload().check_only());
  EXPECT_TRUE(RequestOf({"reload", "--check"}).reload().check_only());
}

TEST(CtlOptions, ScaleTakesNumbersAndDifferences) {
  const Request::Scale both = RequestOf({"scale", "pool=-2", "workers=4", "--keep"}).scale();
  EXPECT_FALSE(both.workers().relative());
  EXPECT_EQ(both.workers().value(), 4);
  EXPECT_TRUE(both.pool().relative());
  EXPECT_EQ(both.pool().value(), -2);
  EXPECT_TRUE(both.keep());
  const Request::Scale one = RequestOf({"scale", "workers=+1"}).scale();
  EXPECT_TRUE(one.workers().relative());
  EXPECT_EQ(one.workers().value(), 1);
  EXPECT_FALSE(one.has_pool());
  EXPECT_FALSE(one.keep());
}

TEST(CtlOptions, ScaleRefusesWhatIsNoSize) {
  ExpectUsageError({"scale"}, "usage: windlassctl scale [workers=N|+N|-N]");
  ExpectUsageError({"scale", "--keep"}, "usage: windlassctl scale");
  ExpectUsageError({"scale", "worker=1"}, "did you mean 'workers'?");
  ExpectUsageError({"scale", "workers"}, "workers needs a number, as in workers=4");
  ExpectUsageError({"scale", "pool=1", "pool=2"}, "pool is given twice");
  for (const char* bad : {"pool=", "pool=+", "pool=+0", "pool=-0", "pool=x", "pool=+-1", "pool=1.5",
                          "pool=1000001", "pool=99999999999999999999"}) {
    ExpectUsageError({"scale", bad}, "is not a whole number");
  }
}

TEST(CtlOptions, AJobIsNamedByItsDecimalId) {
  EXPECT_EQ(RequestOf({"kill-job", "18446744073709551615"}).kill_job().id(), UINT64_MAX);
  ExpectUsageError({"kill-job"}, "usage: windlassctl kill-job ID");
  for (const char* bad : {"0", "0x10", "-", "18446744073709551616", ""}) {
    ExpectUsageError({"kill-job", bad}, "is not a whole number");
  }
}

TEST(CtlOptions, LogLevelsAreTheFourOfTheLog) {
  for (const char* level : {"debug", "info", "warning", "error"}) {
    EXPECT_EQ(RequestOf({"log-level", level}).log_level().level(), level);
  }
  ExpectUsageError({"log-level", "warn"}, "is not debug, info, warning or error");
  ExpectUsageError({"log-level", "eror"}, "did you mean 'error'?");
  ExpectUsageError({"log-level"}, "usage: windlassctl log-level debug|info|warning|error");
}

TEST(CtlOptions, AnOptionOfAnotherCommandIsRefused) {
  ExpectUsageError({"reload", "--json"}, "--json does not belong to 'reload'");
  ExpectUsageError({"status", "--keep"}, "--keep does not belong to 'status'");
  ExpectUsageError({"scale", "pool=1", "--check"}, "--check does not belong to 'scale'");
}

TEST(CtlOptions, WrongUsageSaysWhatIsRight) {
  ExpectUsageError({"--json"}, "no command");
  ExpectUsageError({"staus"}, "unknown command 'staus', did you mean 'status'?");
  ExpectUsageError({"status", "--jsno"}, "did you mean 'json'?");
  ExpectUsageError({"status", "now"}, "usage: windlassctl status [--json]");
  ExpectUsageError({"status", "--timeout=5"}, "--timeout: \"5\" is not a duration");
  ExpectUsageError({"status", "--control="}, "--control");
  ExpectUsageError({"status", "--instance="}, "no name of an instance");
  ExpectUsageError({"status", "--instance=../x"}, "no name of an instance");
  ExpectUsageError({"status", "--instance=a", "--control=/b"}, "give one");
}

TEST(CtlOptions, QuarantineIsListedOrCleared) {
  const auto clear = Parse({"quarantine", "clear", "9f86d081884c7d65"});
  ASSERT_TRUE(clear.ok()) << clear.status();
  EXPECT_EQ(clear->request.clear_quarantine().id(), "9f86d081884c7d65");
  EXPECT_TRUE(Parse({"quarantine", "--json"})->json);
  ExpectUsageError({"quarantine", "clera"}, "did you mean 'clear'?");
  ExpectUsageError({"quarantine", "clear"}, "or all");
  ExpectUsageError({"quarantine", "clear", "all", "now"}, "usage: windlassctl quarantine");
}

TEST(CtlOptions, HelpAndVersionNeedNothingElse) {
  EXPECT_EQ(Parse({"--help"})->task, CtlTask::kHelp);
  EXPECT_EQ(Parse({"scale", "-h"})->task, CtlTask::kHelp);
  EXPECT_EQ(Parse({"--version"})->task, CtlTask::kOwnVersion);
}

TEST(CtlUsage, NamesEveryCommand) {
  for (const char* command :
       {"status", "reload", "scale", "upgrade", "drain", "stop", "reopen-logs", "connections",
        "jobs", "kill-job", "deaths", "quarantine", "log-level", "version"}) {
    EXPECT_TRUE(absl::StrContains(CtlUsage(), absl::StrCat("\n  ", command))) << command;
  }
}

TEST(CtlOptions, AnInstanceIsAControlSocket) {
  const absl::StatusOr<CtlOptions> options =
      ParseCtlOptions(std::vector<std::string>{"--instance=images", "status"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->control, "/run/windlass-images/control.sock");
}

}  // namespace
}  // namespace windlass
