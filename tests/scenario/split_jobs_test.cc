// Jobs that their handler splits: one answer each, right, whatever becomes of their parts.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/faulty.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

std::string Handler(absl::string_view more = "") {
  return absl::StrCat("[[handler]]\nname = \"parts\"\nlibrary = \"", WINDLASS_BUILD_DIR,
                      "/tests/plugins/parts.so\"\n", more);
}

std::unique_ptr<Server> StartServer(ConfigParts parts = {}, absl::string_view in_handler = "") {
  parts.handlers = Handler(in_handler);
  return Server::StartWithConfig(ConfigText(parts));
}

std::string Request(absl::string_view words) {
  return MessageRequest(words, "text/plain", "utf-8", R"(, "handler": "parts")");
}

MessageAnswer Ask(const Server& server, absl::string_view words) {
  Client client(server.address("message"));
  client.Send(Request(words));
  std::optional<MessageAnswer> answer = client.ReadAnswer(absl::Seconds(60));
  EXPECT_TRUE(answer) << words;
  return answer.value_or(MessageAnswer());
}

// `bytes` shared, and `of_each` part made as content.
std::string Right(int parts, int bytes, int of_each = 0) {
  std::string content;
  for (int i = 0; i < parts; ++i) absl::StrAppend(&content, i == 0 ? "" : ",", "part ", i);
  for (int i = 0; i < parts; ++i) content.append(of_each, static_cast<char>('a' + i % 26));
  for (int64_t i = 0; i < parts; ++i) {
    content.append(bytes * (i + 1) / parts - bytes * i / parts, static_cast<char>('a' + i % 26));
  }
  return content;
}

TEST(SplitJobs, AreAnsweredWithWhatTheirPartsMade) {
  const auto server = StartServer();
  for (const auto& [parts, bytes] :
       std::vector<std::pair<int, int>>{{1, 0}, {2, 100}, {7, 100'003}, {64, 20'000'000}}) {
    const MessageAnswer answer = Ask(*server, absl::StrCat("parts=", parts, " bytes=", bytes));
    EXPECT_EQ(answer.status, "");
    EXPECT_TRUE(answer.content == Right(parts, bytes)) << parts << " " << answer.content.size();
  }
  EXPECT_EQ(Ask(*server, "parts=0").content, "whole");
  EXPECT_EQ(Ask(*server, "parts=auto").content, "part 0,part 1");
}

TEST(SplitJobs, ContentsOfPartsGoOutInAnyOrderAndFromAnyMemory) {
  const auto server = StartServer();
  for (const auto& [parts, bytes] :
       std::vector<std::pair<int, int>>{{1, 1}, {2, 100}, {7, 100'003}, {64, 300'000}}) {
    const std::string words = absl::StrCat("parts=", parts, " content=", bytes, " bytes=64");
    EXPECT_TRUE(Ask(*server, words).content == Right(parts, 64, bytes)) << words;
    EXPECT_TRUE(Ask(*server, words + " copied=yes").content == Right(parts, 64, bytes)) << words;
  }
  EXPECT_EQ(Ask(*server, "parts=3 content=2 order=2,0,1").content, "ccaabb");
  EXPECT_EQ(Ask(*server, "parts=3 content=2 order=1").content, "bb");
  // Parts are jobs of their own.
  EXPECT_EQ(Ask(*server, "parts=2 content=3 memory=split").content, Right(2, 0, 3));
  for (const char* order : {"1,1", "3"}) {
    const MessageAnswer answer = Ask(*server, absl::StrCat("parts=3 content=2 order=", order));
    EXPECT_EQ(answer.status, "handler_failed");
    EXPECT_TRUE(absl::StrContains(answer.content, "response with OfPart(")) << answer.content;
  }
}

TEST(SplitJobs, OfALargeRequestShareIt) {
  const auto server = StartServer();
  const std::string words = absl::StrCat("parts=5 bytes=500 padding=", std::string(3'000'000, 'x'));
  EXPECT_EQ(Ask(*server, words).content, Right(5, 500));
}

TEST(SplitJobs, RunAtTheSameTimeInAsManyProcessesAsThereAre) {
  const auto server = StartServer({.pool = 2});
  Client client(server->address("message"));
  client.Send(Request("parts=2 ms=2000"));
  EXPECT_TRUE(RunsJobs(*server, 2));
  EXPECT_TRUE(client.ReadAnswer());
}

// Nobody waits for anybody: a pool of one process runs any number of them.
TEST(SplitJobs, ManyAtOnceInAPoolOfOneAllEnd) {
  const auto server = StartServer({.pool = 1});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(server->address("message")));
    clients.back()->Send(Request("parts=16 bytes=1000 ms=1"));
  }
  for (const auto& client : clients) {
    const auto answer = client->ReadAnswer(absl::Seconds(60));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->content, Right(16, 1000));
  }
}

TEST(SplitJobs, ACrashedPartSplitOrMergeIsTriedOnceMore) {
  const auto server = StartServer();
  for (const char* who : {"0", "3", "split", "merge"}) {
    EXPECT_EQ(Ask(*server, absl::StrCat("parts=4 bytes=40 once=", who)).content, Right(4, 40))
        << who;
  }
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("retries"), 4u);
}

TEST(SplitJobs, APartThatCrashesAlwaysIsTheJobsError) {
  const auto server = StartServer();
  const MessageAnswer answer = Ask(*server, "parts=4 bytes=40 crash=2");
  EXPECT_EQ(answer.status, "handler_crashed");
  EXPECT_EQ(Ask(*server, "parts=4 bytes=40 id=2").content, Right(4, 40));
  // Like any other payload that crashes.
  EXPECT_EQ(Ask(*server, "parts=4 bytes=40 crash=2").status, "quarantined");
}

TEST(SplitJobs, ErrorsOfPartsAreTheJobs) {
  const auto server = StartServer();
  for (const char* who : {"1", "split", "merge"}) {
    const MessageAnswer answer = Ask(*server, absl::StrCat("parts=4 fail=", who));
    EXPECT_EQ(answer.status, "invalid_argument");
    EXPECT_TRUE(absl::StrContains(answer.content, absl::StrCat(who, " fails"))) << answer.content;
    EXPECT_TRUE(absl::StrContains(Ask(*server, absl::StrCat("parts=4 greedy=", who)).content,
                                  "out of memory"));
  }
  EXPECT_TRUE(absl::StrContains(Ask(*server, "parts=4 long=1").content,
                                "a result of 1000 bytes, at most 512"));
  EXPECT_TRUE(absl::StrContains(Ask(*server, "parts=65").content, "more than 64 parts"));
  EXPECT_TRUE(absl::StrContains(Ask(*server, "parts=1 what=1025").content,
                                "a part of 1025 bytes, at most 1024"));
}

TEST(SplitJobs, AHungPartEndsTheJobAtItsDeadlineAndCostsOneProcess) {
  const auto server = StartServer({}, "deadline = \"500ms\"\n");
  EXPECT_EQ(Ask(*server, "parts=4 hang=1 stubborn=yes").status, "deadline_exceeded");
  EXPECT_TRUE(Eventually([&] {
    const ServerDeaths deaths = ServerDeaths::Of(*server);
    return deaths.OfPool().size() == 1 && server->Children("pool").size() == 2;
  }));
  EXPECT_EQ(Ask(*server, "parts=4 bytes=40").content, Right(4, 40));
}

TEST(SplitJobs, PartsHearThatTheClientHasLeft) {
  const auto server = StartServer();
  {
    Client client(server->address("message"));
    client.Send(Request("parts=2 hang=0"));
    ASSERT_TRUE(RunsJobs(*server, 1));
    client.CloseWithReset();
  }
  EXPECT_TRUE(RunsJobs(*server, 0));
  EXPECT_EQ(ServerDeaths::Of(*server).OfPool().size(), 0u) << "it ended by itself";
}

TEST(SplitJobs, CountOnceInTheQueueAndInMetrics) {
  const auto server = StartServer({.pool = 1, .in_pool = "queue = 1\n"});
  EXPECT_EQ(Ask(*server, "parts=64 ms=1 bytes=64").content, Right(64, 64));
  const std::map<std::string, uint64_t> totals = ServerStatus::Of(*server).totals;
  EXPECT_EQ(totals.at("requests"), 1u);
}

TEST(SplitJobs, BeyondTheMemoryForPayloadsAreOverloaded) {
  const auto server = StartServer({.in_workers = "payload_memory = \"16MiB\"\n"});
  const MessageAnswer answer = Ask(*server, "parts=2 bytes=20000000");
  EXPECT_EQ(answer.status, "overloaded");
  EXPECT_EQ(Ask(*server, "parts=2 bytes=2000000").content.size(), Right(2, 2'000'000).size());
  EXPECT_EQ(Ask(*server, "parts=2 content=20000000").status, "overloaded");
  EXPECT_EQ(Ask(*server, "parts=2 content=20000000 copied=yes").status, "overloaded");
  EXPECT_EQ(Ask(*server, "parts=2 content=2000000").content.size(), Right(2, 0, 2'000'000).size());
}

TEST(SplitJobs, RunInTheStrictSandbox) {
  const auto server = StartServer({.in_pool = "sandbox = \"strict\"\n"});
  EXPECT_EQ(Ask(*server, "parts=4 bytes=1000000 content=90000").content,
            Right(4, 1'000'000, 90'000));
}

// One answer each, right, while pool processes are killed and the server reloads.
TEST(SplitJobs, LoseNothingUnderKillsAndReloads) {
  const auto server = StartServer({.pool = 3});
  std::atomic<bool> stop{false};
  std::atomic<int> right{0}, crashed{0}, wrong{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      Client client(server->address("message"));
      for (int i = 0; !stop; ++i) {
        const int parts = 1 + (i * 7 + c) % 20, bytes = i % 3 == 0 ? 200'000 : 300;
        const int content = i % 5 == 0 ? 0 : i % 5 == 1 ? 100'000 : 20;
        client.Send(Request(absl::StrCat("parts=", parts, " bytes=", bytes, " content=", content,
                                         " ms=1 id=", c, "-", i)));
        const auto answer = client.ReadAnswer(absl::Seconds(60));
        if (!answer) return void(++wrong);
        const bool is_right = answer->content == Right(parts, bytes, content);
        const bool is_crash = answer->status == "handler_crashed";
        ++(is_right ? right : is_crash ? crashed : wrong);
      }
    });
  }
  for (int i = 0; i < 12; ++i) {
    absl::SleepFor(absl::Milliseconds(150));
    const std::vector<pid_t> pool = server->Children("pool");
    if (!pool.empty()) ::kill(pool[static_cast<size_t>(i) % pool.size()], SIGKILL);
    if (i % 4 == 3) {
      EXPECT_TRUE(Reload(*server));
    }
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(crashed, 2) << "killed twice in a row";
  EXPECT_GT(right, 50);
  EXPECT_TRUE(Serves(server->address("message")));
}

}  // namespace
}  // namespace windlass
