#include "tools/ctl/ctl_commands.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/common/report/replies.h"
#include "tests/common/report/sample_reports.h"
#include "tests/tools/ctl/control_server.h"

// Whole commands against a server that a thread plays: what is printed, and the exit code.

namespace windlass {
namespace {

struct Ran {
  ExitCode exit_code;
  std::string out, error;
};

Ran RunAt(const std::string& path, std::vector<std::string> args) {
  args.push_back(absl::StrCat("--control=", path));
  const absl::StatusOr<CtlOptions> options = ParseCtlOptions(args);
  EXPECT_TRUE(options.ok()) << options.status();
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.exit_code = options.ok() ? RunCtlCommand(*options) : ExitCode::kUsage;
  ran.out = testing::internal::GetCapturedStdout();
  ran.error = testing::internal::GetCapturedStderr();
  return ran;
}

// Against a server that takes the request, says `replies` and ends the connection.
Ran RunAgainst(const std::vector<proto::CtlReply>& replies, std::vector<std::string> args) {
  ControlServer server([&replies](ControlServer::Client* client) {
    client->TakeRequest();
    for (const proto::CtlReply& reply : replies) client->Send(Encoded(reply));
  });
  return RunAt(server.path(), std::move(args));
}

TEST(CtlCommand, PrintsProgressThenWhatWasDone) {
  const Ran ran = RunAgainst({ProgressReply("worker-0 serves"), ProgressReply("pool-8 serves\n"),
                              DoneReply(true, "generation 2 serves")},
                             {"reload"});
  EXPECT_EQ(ran.exit_code, ExitCode::kOk);
  EXPECT_EQ(ran.out, "worker-0 serves\npool-8 serves\ngeneration 2 serves\n");
  EXPECT_EQ(ran.error, "");
}

TEST(CtlCommand, ThatIsRefusedSaysWhyAndExitsWithOne) {
  const Ran ran = RunAgainst(
      {ProgressReply("checking"), DoneReply(false, "line 3: unknown key\x1b\nline 4: too")},
      {"reload"});
  EXPECT_EQ(static_cast<int>(ran.exit_code), 1);
  EXPECT_EQ(ran.out, "checking\n");
  EXPECT_EQ(ran.error, "line 3: unknown key\xef\xbf\xbd\nline 4: too\n");
  EXPECT_EQ(RunAgainst({DoneReply(false, "")}, {"drain"}).error,
            "refused, and the server says no reason\n");
}

TEST(CtlCommand, ThatTheServerDropsExitsWithOne) {
  for (const char* command : {"reload", "status", "drain", "stop"}) {
    const Ran ran = RunAgainst({}, {command});
    EXPECT_EQ(static_cast<int>(ran.exit_code), 1) << command;
    EXPECT_EQ(ran.error, "the server ended the connection\n");
  }
}

TEST(CtlCommand, DrainAndStopWaitForTheEndOfTheServer) {
  for (const char* command : {"drain", "stop"}) {
    const Ran ended = RunAgainst({DoneReply(true, "draining"), ProgressReply("?")}, {command});
    EXPECT_EQ(ended.exit_code, ExitCode::kOk) << ended.error;
    EXPECT_EQ(ended.out, "draining\n");
    ControlServer stays([](ControlServer::Client* client) {
      client->Send(Encoded(DoneReply(true, "draining")));
      client->AwaitEnd();
    });
    const Ran waited = RunAt(stays.path(), {command, "--timeout=50ms"});
    EXPECT_EQ(static_cast<int>(waited.exit_code), 4);
    EXPECT_TRUE(absl::StrContains(waited.error, "has agreed to end, but has not yet"));
  }
}

TEST(CtlCommand, OtherCommandsDoNotWaitForTheEndOfTheConnection) {
  ControlServer server([](ControlServer::Client* client) {
    client->TakeRequest();
    client->Send(Encoded(DoneReply(true, "")));
    client->AwaitEnd();
  });
  const Ran ran = RunAt(server.path(), {"reopen-logs"});
  EXPECT_EQ(ran.exit_code, ExitCode::kOk);
  EXPECT_EQ(ran.out, "");
}

TEST(CtlCommand, WithoutAnAnswerInTimeExitsWithFour) {
  ControlServer server([](ControlServer::Client* client) { client->AwaitEnd(); });
  const Ran ran = RunAt(server.path(), {"status", "--timeout=50ms"});
  EXPECT_EQ(static_cast<int>(ran.exit_code), 4);
  EXPECT_EQ(ran.error,
            absl::StrCat("timeout: no answer at ", server.path(), " (--timeout=50ms)\n"));
}

TEST(CtlCommand, WithoutAServerExitsWithThree) {
  const Ran ran = RunAt("/nowhere/control.sock", {"status"});
  EXPECT_EQ(static_cast<int>(ran.exit_code), 3);
  EXPECT_TRUE(absl::StrContains(ran.error, "no control socket at /nowhere/control.sock: is "));
}

TEST(CtlCommand, AnAnswerToSomethingElseIsAFailure) {
  const Ran ran = RunAgainst({DoneReply(true, "what?")}, {"status"});
  EXPECT_EQ(static_cast<int>(ran.exit_code), 1);
  EXPECT_EQ(ran.error, "the server answered something else than it was asked\n");
}

TEST(CtlCommand, StatusIsForPeopleOrForPrograms) {
  proto::CtlReply reply;
  *reply.mutable_status() = CalmStatus();
  EXPECT_TRUE(absl::StartsWith(RunAgainst({reply}, {"status"}).out,
                               "windlassd 0.1.0, pid 4242: serving\n"));
  simdjson::dom::parser parser;
  const Ran ran = RunAgainst({ProgressReply("asking"), reply}, {"status", "--json"});
  EXPECT_EQ(int64_t{parser.parse(ran.out)["pid"]}, 4242);
  EXPECT_EQ(ran.error, "asking\n");
}

TEST(CtlCommand, ColoursAreForTerminalsUnlessTheyAreAskedFor) {
  proto::CtlReply reply;
  *reply.mutable_status() = CalmStatus();
  EXPECT_EQ(RunAgainst({reply}, {"status"}).out.find('\x1b'), std::string::npos);
  EXPECT_TRUE(absl::StrContains(RunAgainst({reply}, {"status", "--color=always"}).out,
                                "\x1b[32mserving\x1b[0m"));
}

TEST(CtlCommand, TopNeedsATerminal) {
  const Ran ran = RunAt("/nowhere/control.sock", {"top"});
  EXPECT_EQ(static_cast<int>(ran.exit_code), 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.error, "top draws on a terminal, and this is none: use windlassctl status\n");
}

TEST(CtlCommand, ListsGoToStandardOutputAndTheirNotesToStandardError) {
  proto::CtlReply reply;
  *reply.mutable_connections() = SampleConnections();
  const Ran text = RunAgainst({reply}, {"connections"});
  EXPECT_TRUE(absl::StartsWith(text.out, "PEER "));
  EXPECT_TRUE(absl::StartsWith(text.error, "worker-3 did not answer\n"));
  const Ran json = RunAgainst({reply}, {"connections", "--json"});
  EXPECT_TRUE(absl::StartsWith(json.out, "{\"connections\": ["));
  EXPECT_EQ(json.error, "");
}

TEST(CtlCommand, AFailureIsAnObjectInJson) {
  simdjson::dom::parser parser;
  const Ran refused = RunAgainst({DoneReply(false, "no\xff")}, {"jobs", "--json"});
  const simdjson::dom::element root = parser.parse(refused.out);
  EXPECT_FALSE(bool{root["ok"]});
  EXPECT_EQ(std::string_view(root["error"]["code"]), "failed");
  EXPECT_EQ(std::string_view(root["error"]["message"]), "no\xef\xbf\xbd");
  const Ran unreachable = RunAt("/nowhere/control.sock", {"jobs", "--json"});
  EXPECT_EQ(std::string_view(parser.parse(unreachable.out)["error"]["code"]), "unreachable");
}

TEST(CtlCommand, VersionIsOursAndTheServers) {
  proto::CtlReply reply;
  reply.mutable_version()->set_version("0.2.0");
  reply.mutable_version()->set_pid(7);
  EXPECT_EQ(RunAgainst({reply}, {"version"}).out,
            "windlassctl " WINDLASS_VERSION "\nwindlassd 0.2.0 (pid 7)\n");
}

}  // namespace
}  // namespace windlass
