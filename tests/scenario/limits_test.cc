// What a pool process may have, and what becomes of a job that wants more.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/sanitizer.h"
#include "tests/scenario/faulty.h"

namespace windlass {
namespace {

constexpr absl::string_view kOutOfMemory =
    "{\"error\": {\"code\": \"handler_failed\", \"message\": \"out of memory\"}}";

MessageAnswer Take(const FaultyServer& server, uint64_t mib, absl::string_view kind = "oom") {
  return server.Ask(kind, absl::StrCat("\"bytes\": ", mib << 20));
}

std::string ReadAll(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A line of /proc/PID/limits, as words: "Max core file size" gives {"0", "0", "bytes"}.
std::vector<std::string> LimitOf(pid_t pid, const std::string& name) {
  for (absl::string_view line :
       absl::StrSplit(ReadAll(absl::StrCat("/proc/", pid, "/limits")), '\n')) {
    if (!absl::StartsWith(line, name)) continue;
    return absl::StrSplit(line.substr(name.size()), ' ', absl::SkipEmpty());
  }
  return {};
}

class MemoryLimit : public testing::Test {
 protected:
  void SetUp() override {
#ifdef WINDLASS_ADDRESS_SANITIZER
    GTEST_SKIP() << "the address sanitizer needs more address space than any limit leaves";
#endif
  }
};

TEST_F(MemoryLimit, IsAnErrorOfTheJobAndNothingElse) {
  const FaultyServer server("", {.in_pool = "memory_limit = \"64MiB\""});
  const std::vector<pid_t> before = server->Children("pool");
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(Take(server, 512).content, kOutOfMemory);
    EXPECT_EQ(Take(server, 32).status, "");
  }
  EXPECT_EQ(server->Children("pool"), before) << "a process whose memory came back is kept";
  EXPECT_TRUE(ServerDeaths::Of(*server).OfPool().empty());
}

TEST_F(MemoryLimit, ThatJobsHaveUsedUpCostsTheProcessBetweenJobs) {
  const FaultyServer server("", {.pool = 1, .in_pool = "memory_limit = \"64MiB\""});
  const std::vector<pid_t> before = server->Children("pool");
  EXPECT_EQ(Take(server, 28, "leak").status, "");
  EXPECT_EQ(Take(server, 28, "leak").status, "");
  EXPECT_EQ(Take(server, 28, "leak").content, kOutOfMemory);
  EXPECT_EQ(Take(server, 28, "leak").status, "") << "in a fresh one";
  EXPECT_TRUE(server.IsWhole());
  EXPECT_NE(server->Children("pool"), before);
  const ServerDeaths deaths = ServerDeaths::Of(*server);
  ASSERT_EQ(deaths.ended.size(), 1u);
  EXPECT_EQ(deaths.ended[0].kind, "memory_limit");
  EXPECT_TRUE(absl::StrContains(deaths.ended[0].cause, "left too much of memory_limit"));
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("deaths"), 0u) << "it was meant to end";
}

// Nothing is given back when the job ends, and there is nothing left to say so with but a reserve.
TEST_F(MemoryLimit, ThatIsUsedUpInSmallPiecesIsAnErrorOfTheJobToo) {
  const FaultyServer server("", {.pool = 1, .in_pool = "memory_limit = \"32MiB\""});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(server.Ask("leak", "\"bytes\": 1073741824, \"block\": 64").content, kOutOfMemory);
    EXPECT_EQ(Take(server, 8).status, "") << "in a fresh one";
  }
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("deaths"), 0u);
}

TEST_F(MemoryLimit, OfAHandlerThatIsUsedUpCostsTheProcessToo) {
  for (const char* in_pool : {"", "memory_limit = \"1GiB\""}) {
    const FaultyServer server("memory_limit = \"64MiB\"", {.pool = 1, .in_pool = in_pool});
    EXPECT_EQ(Take(server, 40, "leak").status, "");
    EXPECT_EQ(Take(server, 40, "leak").content, kOutOfMemory);
    EXPECT_EQ(Take(server, 40, "leak").status, "") << "in a fresh one";
    EXPECT_TRUE(server.IsWhole());
  }
}

TEST_F(MemoryLimit, OfAHandlerIsItsOwn) {
  const FaultyServer server(
      "memory_limit = \"16MiB\"",
      {.pool = 1, .in_pool = "memory_limit = \"128MiB\"", .handlers = FaultText("", "wider")});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Take(server, 32).content, kOutOfMemory);
    Client client(server->address("message"));
    client.Send(FaultRequest("oom", "\"bytes\": 33554432", "", "wider"));
    EXPECT_EQ(client.ReadAnswer()->status, "");
  }
}

TEST_F(MemoryLimit, OfAHandlerNeedsNoneOfThePool) {
  const FaultyServer server("memory_limit = \"16MiB\"");
  EXPECT_EQ(Take(server, 32).content, kOutOfMemory);
  EXPECT_EQ(Take(server, 8).status, "");
}

TEST_F(MemoryLimit, IsForResultsToo) {
  const FaultyServer server(
      "", {.in_workers = "payload_memory = \"64MiB\"", .in_pool = "memory_limit = \"64MiB\""});
  EXPECT_NE(Take(server, 512, "scratch").status, "");
  EXPECT_EQ(Take(server, 8, "scratch").status, "");
}

TEST(Limits, AreThoseOfTheConfiguration) {
  const FaultyServer server("", {.in_pool = "limit_nofile = 300\nlimit_fsize = \"3MiB\"\n"
                                            "limit_nproc = 77\nlimit_core = \"1MiB\"\nnice = 7\n"
                                            "oom_score_adj = 777"});
  for (const pid_t pid : server->Children("pool")) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(LimitOf(pid, "Max open files"), (Words{"300", "300", "files"}));
    EXPECT_EQ(LimitOf(pid, "Max file size"), (Words{"3145728", "3145728", "bytes"}));
    EXPECT_EQ(LimitOf(pid, "Max processes"), (Words{"77", "77", "processes"}));
    EXPECT_EQ(LimitOf(pid, "Max core file size"), (Words{"1048576", "1048576", "bytes"}));
    EXPECT_EQ(ReadAll(absl::StrCat("/proc/", pid, "/oom_score_adj")), "777\n");
    const std::vector<std::string> status =
        absl::StrSplit(ReadAll(absl::StrCat("/proc/", pid, "/stat")), ' ');
    EXPECT_EQ(status.at(18), "7");
  }
  EXPECT_EQ(Take(server, 1).status, "");
}

// /proc/PID belongs to root while the process is not dumpable (proc(5)), whoever it runs as.
uid_t OwnerOf(pid_t pid) {
  struct stat status = {};
  EXPECT_EQ(::stat(absl::StrCat("/proc/", pid, "/status").c_str(), &status), 0);
  return status.st_uid;
}

TEST(LimitOfCore, LetsTheKernelDumpOnlyIfThereIsOne) {
  constexpr uid_t kNobody = 65534;
  const FaultyServer without, with("", {.in_pool = "limit_core = \"1MiB\""});
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else than it";
  for (const pid_t pid : without->Children("pool")) EXPECT_EQ(OwnerOf(pid), 0u);
  for (const pid_t pid : with->Children("pool")) EXPECT_EQ(OwnerOf(pid), kNobody);
}

TEST(Limits, AreNoCoreDumpAndTheFirstToGoWhenMemoryIsShort) {
  const auto server = Server::StartWithConfig(ConfigText());
  for (const pid_t pid : server->Children("pool")) {
    EXPECT_EQ(LimitOf(pid, "Max core file size").at(1), "0");
    EXPECT_EQ(ReadAll(absl::StrCat("/proc/", pid, "/oom_score_adj")), "500\n");
  }
  for (const pid_t pid : server->Children("worker")) {
    EXPECT_NE(ReadAll(absl::StrCat("/proc/", pid, "/oom_score_adj")), "500\n");
  }
}

TEST(LimitOfFileSize, IsAnErrorAndNoSignal) {
  const FaultyServer server("", {.in_pool = "limit_fsize = \"1MiB\""});
  EXPECT_NE(Take(server, 4, "memfd").status, "");
  EXPECT_TRUE(ServerDeaths::Of(*server).OfPool().empty());
  EXPECT_EQ(server.Ask("echo", "\"value\": 1").content, "{\"result\": 1}");
}

}  // namespace
}  // namespace windlass
