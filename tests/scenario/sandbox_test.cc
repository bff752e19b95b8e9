// What a handler's code may ask of the kernel, tried for real: each level of the sandbox x each
// call.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/scenario/faulty.h"

namespace windlass {
namespace {

// What becomes of a call: the system call that is forbidden, or "" and what comes back of it; ""
// for that, too: anything that is an answer.
struct Outcome {
  std::string forbidden, result;
};
const Outcome kDone{"", "ok"}, kAnything{};
Outcome Forbidden(std::string call) { return {std::move(call), ""}; }

struct TriedCall {
  const char* name;
  Outcome strict, basic;
};

const TriedCall kCalls[] = {
    {"memory", kDone, kDone},
    {"memfd", kDone, kDone},
    {"clock", kDone, kDone},
    {"kill-itself-0", kDone, kDone},
    {"tgkill-itself-0", kDone, kDone},
    {"open", Forbidden("openat"), kDone},
    {"create", Forbidden("openat"), kAnything},
    {"unlink", Forbidden("unlink"), {"", "ENOENT"}},
    {"stat", Forbidden("newfstatat"), kDone},
    {"socket", Forbidden("socket"), Forbidden("socket")},
    {"socket-netlink", Forbidden("socket"), Forbidden("socket")},
    {"socket-unix", Forbidden("socket"), kDone},
    {"connect", Forbidden("connect"), {"", "ENOTSOCK"}},
    {"exec", Forbidden("execve"), Forbidden("execve")},
    {"fork", Forbidden("clone"), kDone},
    {"namespace", Forbidden("clone"), Forbidden("clone")},
    {"unshare", Forbidden("unshare"), Forbidden("unshare")},
    {"setns", Forbidden("setns"), Forbidden("setns")},
    {"ptrace", Forbidden("ptrace"), Forbidden("ptrace")},
    {"kill", Forbidden("kill"), Forbidden("kill")},
    {"kill-all", Forbidden("kill"), Forbidden("kill")},
    {"tgkill", Forbidden("tgkill"), Forbidden("tgkill")},
    {"pidfd-send-signal", Forbidden("pidfd_send_signal"), Forbidden("pidfd_send_signal")},
    {"set-owner", Forbidden("fcntl"), Forbidden("fcntl")},
    {"memory-of-other", Forbidden("process_vm_readv"), Forbidden("process_vm_readv")},
    {"limit-of-other", Forbidden("prlimit64"), {"", "EPERM"}},
    {"nice-of-other", Forbidden("setpriority"), {"", "EPERM"}},
    {"affinity-of-thread", Forbidden("sched_setaffinity"), {"", "EPERM"}},
    {"scheduling-class", Forbidden("sched_setattr"), {"", "EPERM"}},
    {"memory-file-of-other", Forbidden("openat"), {"", "EACCES"}},
    {"descriptor-of-other", Forbidden("openat"), {"", "EACCES"}},
    {"parent-death-signal", Forbidden("prctl"), Forbidden("prctl")},
    {"mount", Forbidden("mount"), Forbidden("mount")},
    {"keyctl", Forbidden("keyctl"), Forbidden("keyctl")},
    {"bpf", Forbidden("bpf"), Forbidden("bpf")},
    {"perf", Forbidden("perf_event_open"), Forbidden("perf_event_open")},
    {"module", Forbidden("finit_module"), Forbidden("finit_module")},
    {"reboot", Forbidden("reboot"), Forbidden("reboot")},
    {"set-clock", Forbidden("clock_settime"), Forbidden("clock_settime")},
    {"io-uring", Forbidden("io_uring_setup"), {"", "EPERM"}},
    {"userfaultfd", Forbidden("userfaultfd"), Forbidden("userfaultfd")},
    {"executable-map", Forbidden("mmap"), kDone},
    {"executable-protect", Forbidden("mprotect"), kDone},
};

std::string NameOfCall(const testing::TestParamInfo<TriedCall>& info) {
  return absl::StrReplaceAll(info.param.name, {{"-", "_"}});
}

class SandboxTest : public testing::TestWithParam<TriedCall> {
 protected:
  static std::unique_ptr<FaultyServer> ServerWith(const std::string& in_pool) {
    return std::make_unique<FaultyServer>("idempotent = false", ConfigParts{.in_pool = in_pool});
  }

  static MessageAnswer Try(const FaultyServer& server, const std::string& call) {
    return server.Ask("call", absl::StrCat("\"name\": \"", call, "\""));
  }

  // Whether the call is let through or costs its process, which then says which it was.
  static void Expect(const FaultyServer& server, const std::string& call, const Outcome& outcome) {
    const MessageAnswer answer = Try(server, call);
    if (outcome.forbidden.empty()) {
      EXPECT_EQ(answer.status, "") << answer.content;
      if (outcome.result.empty()) return;
      EXPECT_EQ(answer.content, absl::StrCat("{\"result\": \"", outcome.result, "\"}"));
      return;
    }
    EXPECT_EQ(answer.status, "handler_crashed") << answer.content;
    ASSERT_TRUE(Eventually([&] { return ServerDeaths::Of(*server).OfPool().size() == 1; }));
    const ServerDeaths::Death death = ServerDeaths::Of(*server).OfPool().at(0);
    EXPECT_EQ(death.kind, "seccomp");
    EXPECT_TRUE(absl::StrContains(death.cause, "the sandbox forbids " + outcome.forbidden))
        << death.cause;
    EXPECT_TRUE(absl::StartsWith(death.forbidden_call, outcome.forbidden + "("))
        << death.forbidden_call;
    EXPECT_TRUE(server.IsWhole());
  }
};

TEST_P(SandboxTest, Strict) {
  Expect(*ServerWith("sandbox = \"strict\""), GetParam().name, GetParam().strict);
}

TEST_P(SandboxTest, BasicWhichIsTheDefault) {
  Expect(*ServerWith(""), GetParam().name, GetParam().basic);
}

TEST_P(SandboxTest, OffForbidsNothing) {
  Expect(*ServerWith("sandbox = \"off\""), GetParam().name, kAnything);
}

INSTANTIATE_TEST_SUITE_P(Calls, SandboxTest, testing::ValuesIn(kCalls), NameOfCall);

class Sandbox : public SandboxTest {};

TEST_F(Sandbox, NamesTheCallWithItsArgumentsToTheOperatorOnly) {
  const auto server = ServerWith("sandbox = \"strict\"");
  const MessageAnswer answer = Try(*server, "open");
  EXPECT_FALSE(absl::StrContains(answer.content, "hostname")) << answer.content;
  const std::string call = "openat(0xffffff9c, \"/etc/hostname\", 0x80000, 0x0)";
  ASSERT_TRUE(Eventually([&] { return (*server)->LogHas(call); }));
  EXPECT_EQ(ServerDeaths::Of(**server).OfPool().at(0).forbidden_call, call);
}

// pthread_create(3) blocks all signals around it, so nobody can write down which call it was.
TEST_F(Sandbox, OfStrictHasNoThreads) {
  const auto strict = ServerWith("sandbox = \"strict\"");
  EXPECT_EQ(Try(*strict, "thread").status, "handler_crashed");
  ASSERT_TRUE(Eventually([&] { return ServerDeaths::Of(**strict).OfPool().size() == 1; }));
  EXPECT_EQ(ServerDeaths::Of(**strict).OfPool().at(0).kind, "seccomp");
  const auto basic = ServerWith("");
  EXPECT_EQ(Try(*basic, "thread").status, "");
}

TEST_F(Sandbox, IsWidenedByName) {
  const auto server = ServerWith("sandbox = \"strict\"\nsandbox_allow = [\"openat\", \"connect\"]");
  Expect(*server, "open", kDone);
  Expect(*server, "connect", {"", "ENOTSOCK"});
  Expect(*server, "socket", Forbidden("socket"));
}

TEST_F(Sandbox, IsWidenedByNameInBasicToo) {
  const auto server = ServerWith("sandbox_allow = [\"socket\"]");
  Expect(*server, "socket", kDone);
  Expect(*server, "exec", Forbidden("execve"));
}

TEST_F(Sandbox, ThatOnlyLogsLetsAllThroughAndSaysIt) {
  const auto server = ServerWith("sandbox = \"strict\"\nsandbox_log_only = true");
  for (int i = 0; i < 3; ++i) Expect(*server, "open", kDone);
  EXPECT_TRUE((*server)->LogHas("would have ended"));
  EXPECT_TRUE((*server)->LogHas("makes openat(0xffffff9c, "));
  Expect(*server, "socket", kDone);
  EXPECT_TRUE(Eventually([&] { return (*server)->LogHas("makes socket("); }));
  EXPECT_TRUE(ServerDeaths::Of(**server).OfPool().empty());
}

// All that a handler may do by the interface, and charsets, which iconv(3) would load from files.
TEST_F(Sandbox, OfStrictIsEnoughForHandlersThatOnlyCompute) {
  const auto server = ServerWith("sandbox = \"strict\"");
  EXPECT_EQ(server->Ask("echo", "\"value\": 1").content, "{\"result\": 1}");
  for (const absl::string_view kind : {"scratch", "memfd"}) {
    EXPECT_EQ(server->Ask(kind, "\"bytes\": 300000").content.size(), 300'000u) << kind;
  }
  EXPECT_EQ(server->Ask("print", "\"text\": \"words\"").status, "");
  EXPECT_TRUE(Eventually([&] { return (*server)->LogHas("words"); }));
  EXPECT_EQ(server->Ask("log", "\"text\": \"a line\"").status, "");
  EXPECT_TRUE(Eventually([&] { return (*server)->LogHas("a line"); }));
  EXPECT_EQ(server->Ask("throw").status, "handler_failed");
  Client client((*server)->address("message"));
  const std::string content = R"({"action": "search", "value": "morpheus"})";
  client.Send(MessageRequest(content, "text/json", "latin1") +
              MessageRequest(content, "text/json", "ibm1047"));
  std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->content, kRabbit);
  answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "invalid_argument") << "that one is not loaded beforehand";
  EXPECT_EQ(server->Ask("abort").status, "handler_crashed");
  EXPECT_EQ(ServerDeaths::Of(**server).OfPool().at(0).kind, "signal");
  EXPECT_TRUE(server->IsWhole());
}

TEST_F(Sandbox, StillLetsAStackBeTaken) {
  const FaultyServer server("slow_after = \"100ms\"\ndeadline = \"1s\"",
                            {.in_pool = "sandbox = \"strict\""});
  EXPECT_EQ(server.Ask("hang").status, "deadline_exceeded");
  ASSERT_TRUE(Eventually([&] { return !ServerDeaths::Of(*server).OfPool().empty(); }));
  EXPECT_TRUE(Mentions(ServerDeaths::Of(*server).OfPool().at(0).stack, "windlass_fault_hang"));
}

TEST_F(Sandbox, ReopensTheLogAndReloadsAsEver) {
  const auto server = ServerWith("sandbox = \"strict\"");
  ASSERT_TRUE(Reload(**server));
  EXPECT_EQ((*server)->Ctl({"log-level", "debug"}).exit_code, 0);
  EXPECT_EQ((*server)->Ctl({"reopen-logs"}).exit_code, 0);
  EXPECT_EQ(server->Ask("echo", "\"value\": 2").content, "{\"result\": 2}");
  EXPECT_TRUE(ServerDeaths::Of(**server).OfPool().empty());
}

}  // namespace
}  // namespace windlass
