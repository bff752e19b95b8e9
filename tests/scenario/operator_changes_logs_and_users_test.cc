// Logs, the pid file, and whom processes run as.
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool Has(const std::string& path, const std::string& text) {
  return Eventually([&] { return absl::StrContains(ReadWhole(path), text); });
}

uid_t UserOf(pid_t pid) {
  std::istringstream status(ReadWhole(absl::StrCat("/proc/", pid, "/status")));
  uid_t user = 0;
  for (std::string word; status >> word;) {
    if (word == "Uid:") status >> user;
  }
  return user;
}

TEST(LogLevel, ChangesInAllProcessesAtOnce) {
  const auto server = Server::StartUsual();
  ASSERT_TRUE(Serves(server->address("message")));
  EXPECT_FALSE(server->LogHas(" debug "));
  EXPECT_EQ(server->Ctl({"log-level", "debug"}).exit_code, 0);
  // A connection's states are logged by its worker.
  EXPECT_TRUE(Eventually(
      [&] { return Serves(server->address("message")) && server->LogHas(" debug worker-"); }));
  EXPECT_EQ(server->Ctl({"log-level", "warning"}).exit_code, 0);
  EXPECT_NE(server->Ctl({"log-level", "chatty"}).exit_code, 0);
}

TEST(LogLevel, ThatWasSetStaysOverAReload) {
  const auto server = Server::StartWithConfig(ConfigText());
  EXPECT_EQ(server->Ctl({"log-level", "debug"}).exit_code, 0);
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  const size_t before = server->Log().size();
  ASSERT_TRUE(Serves(server->address("message")));
  EXPECT_TRUE(Eventually(
      [&] { return absl::StrContains(server->Log().substr(before), " debug worker-"); }));
}

TEST(LogFile, IsOpenedAgainByCommandAndBySignalInEveryProcess) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/log";
  const auto server = Server::StartWithConfig(ConfigText({.in_log = "level = \"debug\""}));
  server->WriteConfig(
      ConfigText({.in_log = absl::StrCat("level = \"debug\"\nfile = \"", path, "\"")}));
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  ASSERT_TRUE(Serves(server->address("message")));
  EXPECT_TRUE(Has(path, " debug worker-"));
  EXPECT_TRUE(Has(path, " master["));
  int number = 0;
  for (const bool by_signal : {false, true}) {
    const std::string old = absl::StrCat(path, ".", ++number);
    ASSERT_EQ(::rename(path.c_str(), old.c_str()), 0);
    if (by_signal) {
      server->Signal(SIGUSR1);
    } else {
      const ProgramResult result = server->Ctl({"reopen-logs"});
      EXPECT_EQ(result.exit_code, 0) << result.err;
      EXPECT_TRUE(absl::StrContains(result.out, "5 of 5 processes")) << result.out;
    }
    EXPECT_TRUE(Has(path, "opened again"));
    EXPECT_TRUE(Eventually([&] {
      return Serves(server->address("message")) &&
             absl::StrContains(ReadWhole(path), " debug worker-");
    })) << by_signal;
  }
  EXPECT_EQ(server->Ctl({"reopen-logs"}).exit_code, 0);
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(LogFile, WhereItGoesOnIsTheLastThingThatTheFormerOneSaysOfAReload) {
  const TemporaryFolder folder;
  const std::string first = folder.path() + "/first.log", second = folder.path() + "/second.log";
  const auto config = [](const std::string& path) {
    return ConfigText({.in_log = path.empty() ? "" : absl::StrCat("file = \"", path, "\"")});
  };
  const auto server = Server::StartWithConfig(config(""));
  server->WriteConfig(config(first));
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(server->LogHas("the log goes on at " + first));
  server->WriteConfig(config(second));
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(Has(first, "the log goes on at " + second));
  server->WriteConfig(config(""));
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(Has(second, "the log goes on at standard error"));
}

TEST(LogFile, ThatCannotBeOpenedAgainIsSaidAndLinesGoOn) {
  const TemporaryFolder folder, elsewhere;
  const std::string path = folder.path() + "/log";
  const auto server = Server::StartWithConfig(ConfigText());
  server->WriteConfig(ConfigText({.in_log = absl::StrCat("file = \"", path, "\"")}));
  ASSERT_TRUE(Reload(*server));
  const std::string moved = elsewhere.path() + "/log";
  ASSERT_EQ(::rename(path.c_str(), moved.c_str()), 0);
  ASSERT_EQ(::mkdir(path.c_str(), 0755), 0);
  const ProgramResult result = server->Ctl({"reopen-logs"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(result.err, path)) << result.err;
  EXPECT_TRUE(Has(moved, "lines go on where they went"));
  ::rmdir(path.c_str());
}

TEST(PidFile, IsWrittenMovedByAReloadAndRemovedAtTheEnd) {
  const TemporaryFolder folder;
  const std::string first = folder.path() + "/first.pid", second = folder.path() + "/second.pid";
  const auto text = [](const std::string& path) {
    return ConfigText({.in_master = absl::StrCat("pid_file = \"", path, "\"")});
  };
  const auto server = Server::StartWithConfig(text(first));
  EXPECT_TRUE(Has(first, absl::StrCat(server->pid(), "\n")));
  server->WriteConfig(text(second));
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(Has(second, absl::StrCat(server->pid(), "\n")));
  EXPECT_TRUE(Eventually([&] { return ::access(first.c_str(), F_OK) != 0; }));
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForEnd(), 0);
  EXPECT_NE(::access(second.c_str(), F_OK), 0);
}

TEST(User, IsWhatWorkersAndPoolProcessesBecomeAndStayOverReloads) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  const passwd* const daemon = ::getpwnam("daemon");
  ASSERT_NE(daemon, nullptr);
  const uid_t user = daemon->pw_uid;
  const auto server = Server::StartWithConfig(ConfigText({.in_master = "user = \"daemon\""}));
  for (int round = 0; round < 2; ++round) {
    for (const char* role : {"worker", "pool", "zygote"}) {
      ASSERT_EQ(server->Children(role).size(), role == std::string("zygote") ? 1u : 2u);
      for (const pid_t pid : server->Children(role)) EXPECT_EQ(UserOf(pid), user) << role;
    }
    EXPECT_EQ(UserOf(server->pid()), 0u);  // it may have to bind and to fork for long
    EXPECT_TRUE(Serves(server->address("message")));
    ASSERT_TRUE(Reload(*server));
    ASSERT_TRUE(OldGenerationsEnd(*server));
  }
}

TEST(RootWithoutAUser, StillDoesNotRunHandlersAsRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto server = Server::StartUsual();
  for (const char* role : {"pool", "zygote"}) {
    for (const pid_t pid : server->Children(role)) EXPECT_EQ(UserOf(pid), 65534u) << role;
  }
}

}  // namespace
}  // namespace windlass
