// Who did what to the server: one line each, also as JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <simdjson.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The audit lines, from "audit: " on.
std::vector<std::string> Audited(const Server& server) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(server.Log(), '\n')) {
    const size_t at = line.find("] audit: ");
    if (at != absl::string_view::npos) lines.emplace_back(line.substr(at + 2));
  }
  return lines;
}

std::string LastAudited(const Server& server) {
  const std::vector<std::string> lines = Audited(server);
  return lines.empty() ? "" : lines.back();
}

std::string By(absl::string_view action) {
  return absl::StrCat("audit: ", action, " by uid=", ::geteuid());
}

TEST(Audit, EachCommandThatChangesSomethingIsOneLine) {
  const auto server = Server::StartWithConfig(ConfigText());
  struct {
    std::vector<std::string> command;
    std::string action, result;
  } const kCommands[] = {
      {{"reload"}, "reload", "ok, generation 2 serves"},
      {{"scale", "workers=3"}, "scale", "ok, 3 workers, 2 pool processes"},
      {{"scale", "workers=1000"}, "scale", "refused, workers must be"},
      {{"reopen-logs"}, "reopen-logs", "ok, the log is standard error"},
      {{"log-level", "error"}, "log-level", "ok, log level is error"},
      {{"kill-job", "12345678901234"}, "kill-job", "refused, no such job"},
      {{"quarantine", "clear", "all"}, "quarantine clear", "ok, 0 payloads"},
      {{"drain"}, "drain", "ok, stopping when"},
  };
  size_t before = 0;
  for (const auto& expected : kCommands) {
    const ProgramResult result = server->Ctl(expected.command);
    const std::vector<std::string> lines = Audited(*server);
    ASSERT_EQ(lines.size(), before + 1) << expected.command[0] << ": " << result.err;
    before = lines.size();
    EXPECT_THAT(lines.back(), StartsWith(By(expected.action)));
    EXPECT_THAT(lines.back(), HasSubstr("(windlassctl) over the control socket: "));
    EXPECT_THAT(lines.back(), HasSubstr(absl::StrCat(": ", expected.result)));
  }
  EXPECT_EQ(server->WaitForEnd(), 0);
}

TEST(Audit, WhatOnlyLooksIsNotInIt) {
  const auto server = Server::StartWithConfig(ConfigText());
  for (const char* command : {"status", "connections", "jobs", "deaths", "quarantine", "version"}) {
    EXPECT_EQ(server->Ctl({command}).exit_code, 0) << command;
  }
  EXPECT_EQ(server->Ctl({"reload", "--check"}).exit_code, 0);
  EXPECT_THAT(Audited(*server), ElementsAre());
}

TEST(Audit, SignalsSayWhoSentThem) {
  const auto server = Server::StartWithConfig(ConfigText());
  const struct {
    int signal;
    std::string action, result;
  } kSignals[] = {
      {SIGHUP, "reload", "with SIGHUP: ok, generation 2 serves"},
      {SIGTTIN, "scale", "with SIGTTIN: ok, 3 workers"},
      {SIGTTOU, "scale", "with SIGTTOU: ok, 2 workers"},
      {SIGUSR1, "reopen-logs", "with SIGUSR1: ok, "},
      {SIGTERM, "drain", "with SIGTERM: ok, "},
      {SIGINT, "stop", "with SIGINT: ok, stopping fast"},
  };
  for (const auto& expected : kSignals) {
    const size_t before = Audited(*server).size();
    server->Signal(expected.signal);
    ASSERT_TRUE(Eventually([&] { return Audited(*server).size() > before; })) << expected.action;
    const std::string line = LastAudited(*server);
    EXPECT_THAT(line, StartsWith(By(expected.action)));
    EXPECT_THAT(line, HasSubstr(absl::StrCat(" pid=", ::getpid(), "(")));
    EXPECT_THAT(line, HasSubstr(expected.result));
    if (expected.signal == SIGTERM) break;  // it may be gone
  }
  EXPECT_EQ(server->WaitForEnd(), 0);
}

TEST(Audit, AFailedReloadSaysWhy) {
  const auto server = Server::StartWithConfig(ConfigText());
  server->WriteConfig("nonsense");
  EXPECT_EQ(server->Ctl({"reload"}).exit_code, 1);
  EXPECT_THAT(LastAudited(*server), HasSubstr(": failed, "));
  EXPECT_EQ(Audited(*server).size(), 1u);
}

TEST(Audit, IsPrintedAtEveryLevel) {
  const auto server = Server::StartWithConfig(ConfigText());
  EXPECT_EQ(server->Ctl({"log-level", "error"}).exit_code, 0);
  EXPECT_EQ(server->Ctl({"scale", "workers=3"}).exit_code, 0);
  EXPECT_THAT(LastAudited(*server), HasSubstr(": ok, 3 workers"));
}

TEST(Audit, AnUpgradeIsToldByTheNextBinaryWithWhoAskedForIt) {
  const auto server = Server::StartWithConfig(ConfigText());
  server->Signal(SIGUSR2);
  ASSERT_TRUE(Eventually([&] { return !Audited(*server).empty(); }));
  EXPECT_THAT(LastAudited(*server), StartsWith(By("upgrade")));
  EXPECT_THAT(LastAudited(*server), HasSubstr(absl::StrCat(" pid=", ::getpid(), "(")));
  EXPECT_THAT(LastAudited(*server), HasSubstr("with SIGUSR2: ok, generation 2 serves"));
  ASSERT_TRUE(Serves(server->address("message")));
  EXPECT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  EXPECT_EQ(Audited(*server).size(), 2u);
  EXPECT_THAT(LastAudited(*server), HasSubstr("(windlassctl) over the control socket: ok, "));
}

TEST(JsonLog, IsWhatEveryProcessWritesAfterAReloadAndHasTheAudit) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/log";
  const auto text = [&](absl::string_view format) {
    return ConfigText({.in_log = absl::StrCat("level = \"debug\"\nfile = \"", path,
                                              "\"\nformat = \"", format, "\"")});
  };
  const auto server = Server::StartWithConfig(ConfigText());
  server->WriteConfig(text("json"));
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  ASSERT_TRUE(Serves(server->address("message")));
  EXPECT_EQ(server->Ctl({"log-level", "error"}).exit_code, 0);
  EXPECT_EQ(server->Ctl({"log-level", "debug"}).exit_code, 0);
  // Every role says that it has heard of the level.
  const auto roles = [&] {
    std::set<std::string> said;
    simdjson::dom::parser parser;
    for (const absl::string_view line : absl::StrSplit(ReadWhole(path), '\n', absl::SkipEmpty())) {
      simdjson::dom::object object;
      std::string_view role, message, action;
      if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS ||
          object["role"].get(role) != simdjson::SUCCESS ||
          object["message"].get(message) != simdjson::SUCCESS) {
        ADD_FAILURE() << line;
        return said;
      }
      if (object["audit"]["action"].get(action) == simdjson::SUCCESS) {
        said.insert(absl::StrCat("audit ", absl::string_view(action.data(), action.size())));
      }
      if (message != "log level is debug") continue;
      said.insert(std::string(role.substr(0, role.find('-'))));
    }
    return said;
  };
  EXPECT_TRUE(Eventually([&] {
    const std::set<std::string> said = roles();
    return said.count("worker") + said.count("pool") + said.count("zygote") == 3;
  })) << ReadWhole(path);
  const std::set<std::string> said = roles();
  EXPECT_EQ(said.count("audit reload") + said.count("audit log-level"), 2u);
  server->WriteConfig(text("text"));
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(ReadWhole(path), "] audit: reload by"); }));
}

}  // namespace
}  // namespace windlass
