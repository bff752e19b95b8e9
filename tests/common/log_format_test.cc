#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <simdjson.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/json_text.h"
#include "common/log.h"
#include "common/log_file.h"

namespace windlass {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

// A process has one log, so what is logged is said by a child, as JSON.
std::vector<std::string> Lines(const std::function<void()>& body, bool to_journal = false) {
  std::string path = testing::TempDir() + "log_format_XXXXXX";
  const OwnedFd file(::mkstemp(path.data()));
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::unsetenv("JOURNAL_STREAM");
    ::dup2(file.get(), 2);
    struct stat info;
    ::fstat(2, &info);
    const std::string journal = absl::StrCat(info.st_dev, ":", info.st_ino);
    if (to_journal) ::setenv("JOURNAL_STREAM", journal.c_str(), 1);
    SetLogFormat(LogFormat::kJson);
    InitLog("worker-0", LogLevel::DEBUG);
    body();
    ::_exit(0);
  }
  ::waitpid(pid, nullptr, 0);
  std::string text(1 << 20, '\0');
  text.resize(static_cast<size_t>(::pread(file.get(), text.data(), text.size(), 0)));
  ::unlink(path.c_str());
  EXPECT_TRUE(text.empty() || absl::EndsWith(text, "\n"));
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

// The member of the one object that `line` is; "(no JSON)" and "(none)" when there is not.
std::string Member(const std::string& line, const std::string& name) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(line).get(object) != simdjson::SUCCESS) return "(no JSON)";
  simdjson::dom::element value;
  if (object[name].get(value) != simdjson::SUCCESS) return "(none)";
  absl::string_view text;
  std::string_view found;
  if (value.get(found) != simdjson::SUCCESS) return std::string(simdjson::minify(value));
  text = absl::string_view(found.data(), found.size());
  return std::string(text);
}

std::vector<std::string> Messages(const std::function<void()>& body) {
  std::vector<std::string> messages;
  for (const std::string& line : Lines(body)) messages.push_back(Member(line, "message"));
  return messages;
}

TEST(LogFormat, HasItsNameInTheConfiguration) {
  LogFormat format = LogFormat::kText;
  EXPECT_TRUE(ParseLogFormat("json", &format));
  EXPECT_EQ(format, LogFormat::kJson);
  EXPECT_FALSE(ParseLogFormat("JSON", &format));
  EXPECT_EQ(format, LogFormat::kJson);
  EXPECT_TRUE(ParseLogFormat("text", &format));
  EXPECT_EQ(format, LogFormat::kText);
}

TEST(JsonLog, ALineIsAnObjectOfTimeLevelRoleProcessAndMessage) {
  const auto lines = Lines([] { LOG(WARNING) << "port " << 7000; });
  ASSERT_THAT(lines, SizeIs(1));
  const std::string time = Member(lines[0], "time");
  absl::Time parsed;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, time, &parsed, nullptr)) << time;
  EXPECT_LT(absl::AbsDuration(absl::Now() - parsed), absl::Minutes(1));
  EXPECT_EQ(time.size(), absl::string_view("2026-01-31T12:00:00.000Z").size());
  EXPECT_EQ(Member(lines[0], "level"), "warning");
  EXPECT_EQ(Member(lines[0], "role"), "worker-0");
  EXPECT_GT(std::stoi(Member(lines[0], "pid")), 1);
  EXPECT_EQ(Member(lines[0], "message"), "port 7000");
}

TEST(JsonLog, AMessageMayHoldAnything) {
  EXPECT_THAT(Messages([] {
                LOG(INFO) << "a \"quoted\" \\ \t\x01 \u20ac \U0001f43e";
                LOG(INFO) << "two\nlines";
                LOG(INFO) << "\xff \xc3( \xed\xa0\x80 \xf0\x9f\x98";
              }),
              ElementsAre("a \"quoted\" \\ \t\x01 \u20ac \U0001f43e", "two lines",
                          "\ufffd \ufffd( \ufffd\ufffd\ufffd \ufffd\ufffd\ufffd"));
}

TEST(JsonLog, ALongMessageIsCutAndTheObjectIsWhole) {
  for (const absl::string_view piece : {"x", "\u20ac", "\xff", "\x01", "\"", "\U0001f43e"}) {
    std::string text;
    while (text.size() < 3 * PIPE_BUF) absl::StrAppend(&text, piece);
    const auto lines = Lines([&] { LOG(INFO) << text; });
    ASSERT_THAT(lines, SizeIs(1));
    EXPECT_LT(lines[0].size(), static_cast<size_t>(PIPE_BUF));
    EXPECT_GT(lines[0].size(), static_cast<size_t>(PIPE_BUF) - 16);
    EXPECT_TRUE(absl::EndsWith(Member(lines[0], "message"), "..."));
  }
}

TEST(JsonLog, MembersOfALineStandBesideItsMessage) {
  const auto lines = Lines([] {
    LogRecord(LogLevel::NOTICE, "audit", "\"audit\": {\"uid\": 0}");
    LOG(INFO) << "next";
  });
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(Member(lines[0], "audit"), "{\"uid\":0}");
  EXPECT_EQ(Member(lines[1], "audit"), "(none)");
}

TEST(JsonLog, MembersShortenTheMessageUnlessTheyAreTooLongThemselves) {
  const std::string message(2 * PIPE_BUF, 'm');
  for (const size_t bytes : {100, 2500, 5000}) {
    const std::string members = absl::StrCat("\"more\": \"", std::string(bytes, 'x'), "\"");
    const auto lines = Lines([&] { LogRecord(LogLevel::INFO, message, members); });
    ASSERT_THAT(lines, SizeIs(1));
    EXPECT_LT(lines[0].size(), static_cast<size_t>(PIPE_BUF));
    EXPECT_EQ(Member(lines[0], "more"), bytes == 5000 ? "(none)" : std::string(bytes, 'x'));
    EXPECT_TRUE(absl::EndsWith(Member(lines[0], "message"), "m..."));
  }
}

TEST(JsonLog, UnderSystemdThePriorityStaysInFront) {
  const auto lines = Lines([] { LOG(ERROR) << "a"; }, /*to_journal=*/true);
  ASSERT_THAT(lines, SizeIs(1));
  ASSERT_TRUE(absl::StartsWith(lines[0], "<3>{")) << lines[0];
  EXPECT_EQ(Member(lines[0].substr(3), "message"), "a");
}

TEST(JsonLog, WhatWasDroppedIsSaidAsJsonToo) {
  std::string path = testing::TempDir() + "log_format_sink_XXXXXX";
  const OwnedFd file(::mkstemp(path.data()));
  const auto lines = Lines([&] {
    OwnedFd before(::dup(2));
    SetLogFd(*OpenLogFile("/dev/full"));
    LOG(INFO) << "lost";
    SetLogFd(std::move(before));
    LogRecord(LogLevel::INFO, "taken", "\"more\": 1");
  });
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(Member(lines[0], "message"), "1 log lines dropped: sink blocked");
  EXPECT_EQ(Member(lines[0], "more"), "(none)");
  EXPECT_EQ(Member(lines[1], "more"), "1");
  ::unlink(path.c_str());
}

TEST(JsonLog, TheFormatMayChange) {
  const auto lines = Lines([] {
    LOG(INFO) << "a";
    SetLogFormat(LogFormat::kText);
    LOG(INFO) << "b";
    SetLogFormat(LogFormat::kJson);
    LOG(INFO) << "c";
  });
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(Member(lines[0], "message"), "a");
  EXPECT_TRUE(absl::EndsWith(lines[1], "] b")) << lines[1];
  EXPECT_EQ(Member(lines[2], "message"), "c");
}

TEST(JsonText, IsCutBetweenCharactersWhereItDoesNotFit) {
  const auto upto = [](absl::string_view text, size_t most) {
    std::string out;
    AppendJsonTextUpTo(text, most, &out);
    EXPECT_LE(out.size(), most) << text;
    return out;
  };
  EXPECT_EQ(upto("abcdef", 8), "\"abcdef\"");
  EXPECT_EQ(upto("abcdefg", 8), "\"abc...\"");
  EXPECT_EQ(upto("ab\u20ac\u20ac", 8), "\"ab...\"");
  EXPECT_EQ(upto("a\x01\x01", 8), "\"a...\"");
  EXPECT_EQ(upto("", 8), "\"\"");
}

}  // namespace
}  // namespace windlass
