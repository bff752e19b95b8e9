// The access log: one line for each request, whatever is done to the server meanwhile.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <simdjson.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

using testing::StartsWith;

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string WithAccessLog(const std::string& path, absl::string_view more = "") {
  const std::string log = absl::StrCat("access_log = \"", path, "\"\n", more);
  return ConfigText(
      {.listeners = absl::StrCat(ListenerText("message", log), ListenerText("line", log))});
}

// The members of each line, as they are written; a line that is no object fails the test.
std::vector<std::map<std::string, std::string>> Lines(const std::string& text) {
  std::vector<std::map<std::string, std::string>> lines;
  simdjson::dom::parser parser;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    simdjson::dom::object object;
    if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS) {
      ADD_FAILURE() << line;
      continue;
    }
    std::map<std::string, std::string>& members = lines.emplace_back();
    for (const auto& [key, value] : object) {
      std::string_view string;
      members[std::string(key)] = value.get(string) == simdjson::SUCCESS
                                      ? std::string(string)
                                      : std::string(simdjson::minify(value));
    }
  }
  return lines;
}

TEST(AccessLog, ALineTellsAllOfItsRequest) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/access";
  const auto server = Server::StartWithConfig(WithAccessLog(path));
  Client client(server->address("message"));
  const std::string request = BurnRequest(20, R"(, "request-id": "a \"b\"")");
  client.Send(request);
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  ASSERT_TRUE(Eventually([&] { return !ReadWhole(path).empty(); }));
  auto lines = Lines(ReadWhole(path));
  ASSERT_EQ(lines.size(), 1u);
  std::map<std::string, std::string>& line = lines[0];
  EXPECT_EQ(line["listener"], server->address("message"));
  EXPECT_THAT(line["peer"], StartsWith("127.0.0.1:"));
  EXPECT_EQ(line["protocol"], "message");
  EXPECT_EQ(line["handler"], "burn");
  EXPECT_EQ(line["request_id"], "a \"b\"");
  EXPECT_EQ(line["bytes_in"], absl::StrCat(request.size()));
  EXPECT_EQ(line["bytes_out"], absl::StrCat(answer->whole().size()));
  EXPECT_GE(std::stoll(line["run_us"]), 20'000);
  EXPECT_GE(std::stoll(line["total_us"]), 20'000);
  EXPECT_GE(std::stoll(line["wait_us"]), 0);
  EXPECT_EQ(line["code"], "ok");
  EXPECT_EQ(line["attempt"], "1");
  const auto is_one_of = [&](const std::string& pid, const char* role) {
    const std::vector<pid_t> all = server->Children(role);
    return std::find(all.begin(), all.end(), std::stoi(pid)) != all.end();
  };
  EXPECT_TRUE(is_one_of(line["worker_pid"], "worker"));
  EXPECT_TRUE(is_one_of(line["pool_pid"], "pool"));
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, line["time"], &time, nullptr)) << line["time"];
  EXPECT_LT(absl::AbsDuration(absl::Now() - time), absl::Minutes(1));
}

TEST(AccessLog, ErrorsInlineAnswersAndClientsThatWentHaveTheirLine) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/access";
  const auto server = Server::StartWithConfig(WithAccessLog(path));
  auto code_of_next = [&, seen = size_t{0}]() mutable {
    std::vector<std::map<std::string, std::string>> lines;
    Eventually([&] { return (lines = Lines(ReadWhole(path))).size() > seen; });
    if (lines.size() != ++seen) return absl::StrCat(lines.size(), " lines");
    return lines.back()["protocol"] + " " + lines.back()["code"];
  };
  Client line(server->address("line"));
  line.Send("hello\n");
  EXPECT_EQ(line.Read(6), "hello\n");
  EXPECT_EQ(code_of_next(), "line ok");
  auto inlined = Lines(ReadWhole(path)).at(0);
  EXPECT_EQ(inlined["handler"], "echo");
  for (const char* absent : {"request_id", "wait_us", "run_us", "pool_pid", "attempt"}) {
    EXPECT_FALSE(inlined.contains(absent)) << absent;  // it had none
  }
  Client message(server->address("message"));
  message.Send(MessageRequest("{}", "text/json", "utf-8", R"(, "handler": "nobody")"));
  ASSERT_TRUE(message.ReadAnswer());
  EXPECT_EQ(code_of_next(), "message not_found");
  message.Send(RawMessage("[]", ""));
  ASSERT_TRUE(message.ReadAnswer());
  EXPECT_EQ(code_of_next(), "message invalid_argument");
  Client impatient(server->address("message"));
  impatient.Send(BurnRequest(60'000));
  ASSERT_TRUE(RunsJobs(*server, 1));
  impatient.CloseWithReset();
  EXPECT_EQ(code_of_next(), "message client_gone");
}

// Lines that `done` requests must have: each id once, and as many lines without one.
void ExpectComplete(const std::string& text, const Ledger& ledger) {
  std::set<std::string> ids;
  uint64_t lines = 0, repeated = 0;
  for (auto& line : Lines(text)) {
    ++lines;
    if (line.contains("request_id") && !ids.insert(line["request_id"]).second) ++repeated;
  }
  EXPECT_EQ(lines, ledger.sent()) << ledger.Report();
  EXPECT_EQ(repeated, 0u);
}

TEST(AccessLog, IsCompleteOverReloads) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/access";
  const auto server = Server::StartWithConfig(WithAccessLog(path));
  Ledger ledger(
      {.message_address = server->address("message"), .line_address = server->address("line")});
  ledger.Start();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Reload(*server));
    ASSERT_TRUE(OldGenerationsEnd(*server));
  }
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForEnd(), 0);
  ExpectComplete(ReadWhole(path), ledger);
}

TEST(AccessLog, ReopeningUnderLoadLosesNoLine) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/access";
  const auto server = Server::StartWithConfig(WithAccessLog(path));
  Ledger ledger(
      {.message_address = server->address("message"), .line_address = server->address("line")});
  ledger.Start();
  std::vector<std::string> files = {path};
  for (int i = 1; i <= 6; ++i) {
    const std::string old = absl::StrCat(path, ".", i);
    ASSERT_EQ(::rename(path.c_str(), old.c_str()), 0);
    files.push_back(old);
    if (i % 2 == 0) {
      server->Signal(SIGUSR1);
    } else {
      const ProgramResult reopened = server->Ctl({"reopen-logs"});
      EXPECT_EQ(reopened.exit_code, 0) << reopened.err;
      EXPECT_TRUE(absl::StrContains(reopened.out, "2 of 2 processes")) << reopened.out;
    }
    ASSERT_TRUE(Eventually([&] { return !ReadWhole(path).empty(); }));
  }
  ledger.Stop();
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForEnd(), 0);
  std::string all;
  for (const std::string& file : files) all += ReadWhole(file);
  ExpectComplete(all, ledger);
}

TEST(AccessLog, ASampleHasAboutItsShareOfTheRequests) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/access";
  const auto server = Server::StartWithConfig(WithAccessLog(path, "access_log_sample = 0.1\n"));
  Ledger ledger({.line_address = server->address("line"), .only_small_payloads = true});
  ledger.Start();
  EXPECT_TRUE(Eventually([&] { return ledger.answered() >= 10'000; }, absl::Seconds(60)));
  ledger.Stop();
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForEnd(), 0);
  const double share =
      static_cast<double>(Lines(ReadWhole(path)).size()) / static_cast<double>(ledger.sent());
  EXPECT_GT(share, 0.08);  // ten thousand draws: six standard deviations
  EXPECT_LT(share, 0.12);
}

TEST(AccessLog, AReaderThatDoesNotReadCostsLinesThatAreCountedAndNoAnswer) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/access";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const OwnedFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const auto server = Server::StartWithConfig(WithAccessLog(path));
  Ledger ledger({.line_address = server->address("line"), .only_small_payloads = true});
  ledger.Start();
  EXPECT_TRUE(Eventually([&] { return ledger.answered() >= 10'000; }, absl::Seconds(60)));
  EXPECT_TRUE(
      Eventually([&] { return ServerStatus::Of(*server).totals.at("access_lines_dropped") > 0; }));
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
}

TEST(AccessLog, AFullDiskCostsLinesThatAreCountedAndNoAnswer) {
  const auto server = Server::StartWithConfig(WithAccessLog("/dev/full"));
  Ledger ledger({.line_address = server->address("line"), .only_small_payloads = true});
  ledger.Start();
  EXPECT_TRUE(Eventually([&] { return ledger.answered() >= 5'000; }, absl::Seconds(60)));
  EXPECT_TRUE(
      Eventually([&] { return ServerStatus::Of(*server).totals.at("access_lines_dropped") > 0; }));
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
}

TEST(AccessLog, ThatCannotBeOpenedRefusesTheReload) {
  const auto server = Server::StartWithConfig(ConfigText());
  server->WriteConfig(WithAccessLog("/no/such/folder/access"));
  const ProgramResult reloaded = server->Ctl({"reload"});
  EXPECT_EQ(reloaded.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(reloaded.err, "access log /no/such/folder/access: "))
      << reloaded.err;
  EXPECT_TRUE(Serves(server->address("message")));
}

}  // namespace
}  // namespace windlass
