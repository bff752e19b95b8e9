// Pool processes are clones of a process that has loaded the handlers; how little depends on it
// afterwards.
#include <gtest/gtest.h>
#include <signal.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/faulty.h"

namespace windlass {
namespace {

pid_t ParentOf(pid_t pid) {
  const ProgramResult stat = RunProgram({"/bin/cat", absl::StrCat("/proc/", pid, "/stat")});
  const std::vector<std::string> fields = absl::StrSplit(stat.out, ' ');
  return fields.size() > 3 ? std::stoi(fields[3]) : 0;
}

// Proportional set size: memory that n processes share counts as an nth of itself.
uint64_t PssKiB(pid_t pid) {
  const ProgramResult rollup =
      RunProgram({"/bin/cat", absl::StrCat("/proc/", pid, "/smaps_rollup")});
  const size_t at = rollup.out.find("\nPss:");
  return at == std::string::npos ? 0 : std::stoull(rollup.out.substr(at + 5));
}

TEST(Zygote, MakesProcessesThatAreTheMastersChildren) {
  const auto server = Server::StartUsual();
  ASSERT_EQ(server->Children("pool").size(), 2u);
  for (const pid_t pid : server->Children("pool")) EXPECT_EQ(ParentOf(pid), server->pid());
}

TEST(Zygote, ItsDeathCostsNoProcessAndNoAnswer) {
  const FaultyServer server;
  const std::vector<pid_t> pool = server->Children("pool");
  Client client(server->address("message"));
  client.Send(FaultRequest("sleep", "\"ms\": 300"));
  ASSERT_TRUE(RunsJobs(*server, 1));
  const pid_t zygote = server->Children("zygote").at(0);
  ::kill(zygote, SIGKILL);
  ASSERT_TRUE(Eventually([&] {
    const std::vector<pid_t> now = server->Children("zygote");
    return now.size() == 1 && now[0] != zygote;
  }));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "");
  EXPECT_EQ(server->Children("pool"), pool);
  // And the new one makes processes.
  ::kill(pool[0], SIGKILL);
  EXPECT_TRUE(Eventually([&] { return !ProcessExists(pool[0]); }));
  EXPECT_TRUE(server.IsWhole());
}

TEST(Zygote, KilledAgainAndAgainWhileProcessesDieLosesNoAnswer) {
  const FaultyServer server("idempotent = true");
  Client client(server->address("message"));
  for (int round = 0; round < 10; ++round) {
    for (const pid_t pid : server->Children("pool")) ::kill(pid, SIGKILL);
    for (const pid_t pid : server->Children("zygote")) ::kill(pid, SIGKILL);
    client.Send(FaultRequest("echo", absl::StrCat("\"value\": ", round)));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->content == absl::StrCat("{\"result\": ", round, "}") ||
                answer->status == "handler_crashed")
        << answer->content;
  }
  EXPECT_TRUE(server.IsWhole());
}

TEST(Zygote, ThatIsStoppedIsReplacedAndTheProcessesToo) {
  const FaultyServer server("", {.in_master = "startup_timeout = \"2s\""});
  const pid_t zygote = server->Children("zygote").at(0);
  ::kill(zygote, SIGSTOP);
  const pid_t victim = server->Children("pool").at(0);
  ::kill(victim, SIGKILL);
  EXPECT_EQ(server.Ask("echo", "\"value\": 1").status, "") << "the other process is there";
  EXPECT_TRUE(Eventually([&] { return !ProcessExists(zygote); }));
  EXPECT_TRUE(server.IsWhole());
}

TEST(Zygote, EndsWithTheMaster) {
  const auto server = Server::StartUsual();
  const pid_t zygote = server->Children("zygote").at(0);
  server->Signal(SIGKILL);
  server->WaitForEnd();
  EXPECT_TRUE(Eventually([&] { return !ProcessExists(zygote); }, absl::Seconds(1)));
}

TEST(ModelInTheArena, IsThereOnceForAllProcesses) {
  constexpr uint64_t kModelKiB = 64 << 10;
  const FaultyServer server("options = { preload_bytes = \"64MiB\" }", {.pool = 4});
  // Each process looks at all of it.
  for (int i = 0; i < 40; ++i) {
    Client clients[4] = {Client(server->address("message")), Client(server->address("message")),
                         Client(server->address("message")), Client(server->address("message"))};
    for (Client& client : clients) client.Send(FaultRequest("model"));
    for (Client& client : clients) ASSERT_TRUE(client.ReadAnswer());
  }
  uint64_t sum = 0;
  for (const pid_t pid : server->Children("pool")) sum += PssKiB(pid);
  EXPECT_LT(sum, kModelKiB * 3 / 2);
}

TEST(ModelInTheArena, SurvivesTheDeathsOfProcessesAndOfTheZygote) {
  const FaultyServer server("options = { preload_bytes = \"8MiB\" }");
  const std::string sum = server.Ask("model").content;
  EXPECT_EQ(server.Ask("abort").status, "handler_crashed");
  EXPECT_EQ(server.Ask("model").content, sum);
  ::kill(server->Children("zygote").at(0), SIGKILL);
  for (const pid_t pid : server->Children("pool")) ::kill(pid, SIGKILL);
  EXPECT_TRUE(server.IsWhole());
  EXPECT_EQ(server.Ask("model").content, sum);
}

// What does not happen again by itself when the handler of the signal returns.
TEST(CrashThatWouldNotRepeatItself, EndsTheProcessAllTheSame) {
  const FaultyServer server("idempotent = false");
  EXPECT_EQ(server.Ask("trap").status, "handler_crashed");
  EXPECT_EQ(server.Ask("forbidden-call").status, "handler_crashed");
  ASSERT_TRUE(Eventually([&] { return ServerDeaths::Of(*server).OfPool().size() == 2; }));
  const std::vector<ServerDeaths::Death> died = ServerDeaths::Of(*server).OfPool();
  EXPECT_EQ(died[0].kind, "signal");
  EXPECT_TRUE(absl::StrContains(died[0].cause, "SIGTRAP")) << died[0].cause;
  EXPECT_TRUE(Mentions(died[0].stack, "fault.so+0x")) << testing::PrintToString(died[0].stack);
  EXPECT_EQ(died[1].kind, "seccomp");
  EXPECT_TRUE(absl::StrContains(died[1].cause, "SIGSYS")) << died[1].cause;
  EXPECT_TRUE(server.IsWhole());
}

TEST(SlowJob, SaysWhereItIs) {
  const FaultyServer server("slow_after = \"100ms\"");
  Client client(server->address("message"));
  client.Send(FaultRequest("sleep", "\"ms\": 1000"));
  ASSERT_TRUE(Eventually([&] { return !ServerDeaths::Of(*server).slow.empty(); }));
  const ServerDeaths::Slow slow = ServerDeaths::Of(*server).slow.at(0);
  EXPECT_EQ(slow.handler, "fault");
  EXPECT_FALSE(slow.past_deadline);
  EXPECT_TRUE(Mentions(slow.stack, "FaultHandler::Sleep")) << testing::PrintToString(slow.stack);
  EXPECT_FALSE(Mentions(slow.stack, "windlassd")) << "what is the same for all jobs is left out";
  EXPECT_TRUE(server->LogHas("of fault for"));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "") << "nothing else happens to it";
  EXPECT_EQ(ServerDeaths::Of(*server).slow.size(), 1u) << "and it is asked once";
  EXPECT_TRUE(ServerDeaths::Of(*server).OfPool().empty());
}

TEST(SlowJob, IsNotLookedForWhenThatIsOff) {
  const FaultyServer server("slow_after = \"off\"");
  EXPECT_EQ(server.Ask("sleep", "\"ms\": 400", ", \"deadline-ms\": 500").status, "");
  EXPECT_TRUE(ServerDeaths::Of(*server).slow.empty());
}

TEST(DeadlineThatIsOff, LeavesAHandlerToADebugger) {
  const FaultyServer server("deadline = \"off\"");
  EXPECT_EQ(server.Ask("sleep", "\"ms\": 1500").status, "");
  EXPECT_TRUE(ServerDeaths::Of(*server).OfPool().empty());
  EXPECT_EQ(server.Ask("sleep", "\"ms\": 60000, \"polite\": true", ", \"deadline-ms\": 200").status,
            "deadline_exceeded")
      << "a client may want one all the same";
}

TEST(DeathsList, TellsEndsThatWereAskedForApart) {
  const auto server = Server::StartUsual({"--pool=3"});
  ASSERT_EQ(server->Ctl({"scale", "pool=2"}).exit_code, 0);
  ASSERT_TRUE(Eventually([&] { return ServerDeaths::Of(*server).ended.size() == 1; }));
  EXPECT_EQ(ServerDeaths::Of(*server).ended.at(0).kind, "scale");
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  ASSERT_TRUE(Eventually([&] { return ServerDeaths::Of(*server).ended.size() == 6; }));
  for (size_t i = 1; i < 6; ++i) EXPECT_EQ(ServerDeaths::Of(*server).ended.at(i).kind, "drain");
  EXPECT_TRUE(ServerDeaths::Of(*server).deaths.empty());
}

}  // namespace
}  // namespace windlass
