// Each thing that a handler can do wrong: what its client is told, what the operator sees, and that
// everything is afterwards as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/faulty.h"

namespace windlass {
namespace {

using testing::HasSubstr;

struct FaultCase {
  std::string kind;
  std::string more;        // of the request's content
  std::string status;      // what the client is told
  std::string says;        // with these words
  std::string death;       // kind of death; "" = nobody dies
  std::string cause;       // its words
  bool is_retried = true;  // where the handler is idempotent
  std::string frame;       // in the call stack; "" = there need not be one
};

std::ostream& operator<<(std::ostream& out, const FaultCase& fault) { return out << fault.kind; }

// Memory kills have a test of their own, where there is a limit (packaging and systemd).
const std::vector<FaultCase> kFaults = {
    {"segv", "", "handler_crashed", "SIGSEGV", "signal", "SIGSEGV", true, "WriteToNowhere"},
    {"abort", "", "handler_crashed", "SIGABRT", "signal", "SIGABRT", true, "FaultHandler::Abort"},
    {"exit", "\"code\": 7", "handler_crashed", "exited with code 7", "exit", "code 7", true, ""},
    {"throw", "", "handler_failed", "thrown by fault", "", "", false, ""},
    {"fail", "", "handler_failed", "failed as asked", "", "", false, ""},
    {"hang", "", "deadline_exceeded", "deadline", "deadline", "past its deadline", false,
     "windlass_fault_hang"},
    {"hang-blocked", "", "deadline_exceeded", "deadline", "deadline", "past its deadline", false,
     ""},
    {"sleep", "\"ms\": 60000", "deadline_exceeded", "deadline", "deadline", "past its deadline",
     false, "FaultHandler::Sleep"},
    {"sleep", "\"ms\": 60000, \"polite\": true", "deadline_exceeded", "deadline", "", "", false,
     ""},
    {"leak", "\"bytes\": 1048576", "", "Leaked", "", "", false, ""},
    {"oom", "\"bytes\": 33554432", "", "Took", "", "", false, ""},
    {"open-file", "\"path\": \"/etc/hostname\"", "", "ok", "", "", false, ""},
    {"connect", "\"address\": \"/nowhere\"", "", "ENOENT", "", "", false, ""},
    {"fork", "\"ms\": 50", "", "result", "", "", false, ""},
};

class Fault : public testing::TestWithParam<std::tuple<FaultCase, bool>> {
 protected:
  const FaultCase& fault() const { return std::get<0>(GetParam()); }
  bool idempotent() const { return std::get<1>(GetParam()); }
  // How many processes it costs.
  size_t deaths() const {
    if (fault().death.empty()) return 0;
    return fault().is_retried && idempotent() ? 2 : 1;
  }
};

TEST_P(Fault, IsToldToItsClientAndTheOperatorAndCostsNobodyElse) {
  const FaultyServer server(
      absl::StrCat("deadline = \"400ms\"\nidempotent = ", idempotent() ? "true" : "false"));
  const std::vector<pid_t> before = server->Children("pool");
  Client other(server->address("message"));
  const MessageAnswer answer = server.Ask(fault().kind, fault().more);
  EXPECT_EQ(answer.status, fault().status) << answer.content;
  EXPECT_THAT(answer.content, HasSubstr(fault().says));

  ASSERT_TRUE(Eventually([&] { return ServerDeaths::Of(*server).OfPool().size() >= deaths(); }));
  const std::vector<ServerDeaths::Death> died = ServerDeaths::Of(*server).OfPool();
  ASSERT_EQ(died.size(), deaths());
  uint64_t attempt = 0;
  for (const ServerDeaths::Death& death : died) {
    EXPECT_EQ(death.kind, fault().death);
    EXPECT_THAT(death.cause, HasSubstr(fault().cause));
    EXPECT_EQ(death.handler, "fault");
    EXPECT_GT(death.payload_bytes, 20u);
    EXPECT_EQ(death.attempt, ++attempt);
    EXPECT_GT(death.peak_rss_bytes, 1u << 20);
    if (!fault().frame.empty()) {
      EXPECT_TRUE(Mentions(death.stack, fault().frame)) << testing::PrintToString(death.stack);
      EXPECT_TRUE(Mentions(death.stack, "(fault.so+0x")) << testing::PrintToString(death.stack);
    }
    EXPECT_EQ(death.no_stack, fault().kind == "hang-blocked" ? "signals blocked" : "");
    EXPECT_TRUE(server->LogHas(absl::StrCat("(pid ", death.pid, ") was killed by")) ||
                server->LogHas(absl::StrCat("(pid ", death.pid, ") exited")));
    EXPECT_FALSE(ProcessExists(death.pid));
  }
  EXPECT_TRUE(server.IsWhole());
  if (deaths() == 0) {
    EXPECT_EQ(server->Children("pool"), before);
  }
  // Others' answers, on a connection that was open all the time.
  for (int i = 0; i < 10; ++i) {
    other.Send(FaultRequest("echo", absl::StrCat("\"value\": ", i)));
    const std::optional<MessageAnswer> echoed = other.ReadAnswer();
    ASSERT_TRUE(echoed);
    EXPECT_EQ(echoed->content, absl::StrCat("{\"result\": ", i, "}"));
  }
}

std::string NameOf(const testing::TestParamInfo<Fault::ParamType>& param) {
  const auto& [fault, idempotent] = param.param;
  std::string name =
      absl::StrCat(fault.kind, absl::StrContains(fault.more, "polite") ? "_polite" : "",
                   idempotent ? "_idempotent" : "_once");
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Fault,
                         testing::Combine(testing::ValuesIn(kFaults), testing::Bool()), NameOf);

TEST(JobOfAClientThatLeft, IsToldSoWhileItRuns) {
  const TemporaryFolder folder;
  const std::string told = folder.Write("told", "");
  ASSERT_EQ(::chmod(told.c_str(), 0666), 0);  // pool processes are nobody
  const FaultyServer server;
  Client leaves(server->address("message"));
  leaves.Send(FaultRequest("cancelled", absl::StrCat("\"ms\": 20000, \"path\": \"", told, "\"")));
  ASSERT_TRUE(RunsJobs(*server, 1));
  leaves.CloseWithReset();
  EXPECT_TRUE(Eventually([&] { return RunProgram({"/bin/cat", told}).out == "cancelled\n"; }));
}

TEST(JobOfAClientThatLeft, ThatWaitsIsNeverRun) {
  const TemporaryFolder folder;
  const std::string told = folder.Write("told", "");
  ASSERT_EQ(::chmod(told.c_str(), 0666), 0);
  const FaultyServer server("", {.pool = 1});
  Client holds(server->address("message")), leaves(server->address("message"));
  holds.Send(FaultRequest("sleep", "\"ms\": 500"));
  ASSERT_TRUE(RunsJobs(*server, 1));
  leaves.Send(FaultRequest("cancelled", absl::StrCat("\"ms\": 1, \"path\": \"", told, "\"")));
  ASSERT_TRUE(Eventually([&] { return ServerJobs::Of(*server).jobs.size() == 2; }));
  leaves.CloseWithReset();
  ASSERT_TRUE(holds.ReadAnswer());
  EXPECT_EQ(server.Ask("echo", "\"value\": 1").status, "");  // the queue is FIFO: it came after
  EXPECT_EQ(RunProgram({"/bin/cat", told}).out, "");
}

// While one client after the other has its process write garbage wherever it can.
// A reply to a worker that is dead, or of a job whose client was told that it is late.
TEST(LateReply, ReachesNoOtherClient) {
  const FaultyServer server("", {.workers = 1});
  for (int round = 0; round < 5; ++round) {
    Client late(server->address("message"));
    late.Send(FaultRequest("echo", "\"value\": \"late\", \"ms\": 300",
                           round % 2 == 0 ? "" : ", \"deadline-ms\": 50"));
    ASSERT_TRUE(RunsJobs(*server, 1));
    const pid_t worker = server->Children("worker").at(0);
    if (round % 2 == 0) ::kill(worker, SIGKILL);
    ASSERT_TRUE(Eventually([&] {
      const std::vector<pid_t> now = ServerStatus::Of(*server).Pids("worker");
      return now.size() == 1 && (now[0] != worker || round % 2 == 1);
    }));
    // Until the late one has come, and a while beyond it.
    Client other(server->address("message"));
    const absl::Time end = absl::Now() + absl::Milliseconds(500);
    for (int i = 0; absl::Now() < end; ++i) {
      other.Send(FaultRequest("echo", absl::StrCat("\"value\": ", i)));
      const std::optional<MessageAnswer> answer = other.ReadAnswer();
      ASSERT_TRUE(answer);
      ASSERT_EQ(answer->content, absl::StrCat("{\"result\": ", i, "}"));
    }
  }
  EXPECT_TRUE(server.IsWhole());
}

class GarbageEverywhere : public testing::TestWithParam<bool> {};

TEST_P(GarbageEverywhere, HurtsNobodyElse) {
  const FaultyServer server(
      absl::StrCat("deadline = \"2s\"\nidempotent = ", GetParam() ? "true" : "false"), {.pool = 3});
  const std::vector<pid_t> workers = server->Children("worker");
  const std::vector<pid_t> zygotes = server->Children("zygote");
  Client other(server->address("message"));
  for (int round = 0; round < 20; ++round) {
    Client hostile(server->address("message"));
    const char* const only[] = {"\"fds_only\": true", "\"maps_only\": true", "\"bytes\": 100"};
    hostile.Send(FaultRequest("garbage-fds", absl::StrCat(only[round % 3], ", \"n\": ", round)));
    for (int i = 0; i < 20; ++i) {
      const std::string value = absl::StrCat("\"value\": ", round * 1000 + i);
      other.Send(FaultRequest("echo", value));
      const std::optional<MessageAnswer> echoed = other.ReadAnswer();
      ASSERT_TRUE(echoed);
      EXPECT_EQ(echoed->content, absl::StrCat("{\"result\": ", round * 1000 + i, "}"));
    }
    const std::optional<MessageAnswer> told = hostile.ReadAnswer();
    ASSERT_TRUE(told) << "it is told something, too";
    EXPECT_NE(told->status, "quarantined") << "each is another payload";
  }
  const std::vector<ServerDeaths::Death> died = ServerDeaths::Of(*server).OfPool();
  EXPECT_GE(died.size(), 6u) << "who writes into its own memory does not live on";
  // As far as lines are not swallowed for being too many.
  EXPECT_TRUE(server->LogHas(absl::StrCat("(pid ", died.front().pid, ") was killed by SIG")));
  ServerStatus status;
  EXPECT_TRUE(Eventually([&] {  // those that still live say what they like
    status = ServerStatus::Of(*server);
    return status.totals.at("jobs") < 100'000u;
  })) << "no nonsense stays in the counters";
  EXPECT_EQ(server->Children("worker"), workers);
  EXPECT_EQ(server->Children("zygote"), zygotes);
  EXPECT_TRUE(server.IsWhole());
}

INSTANTIATE_TEST_SUITE_P(Handlers, GarbageEverywhere, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& param) {
                           return param.param ? "idempotent" : "once";
                         });

}  // namespace
}  // namespace windlass
