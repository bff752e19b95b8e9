#include "tools/ctl/question.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/common/report/replies.h"
#include "tests/common/report/sample_reports.h"
#include "tests/tools/ctl/control_server.h"

namespace windlass {
namespace {

using Result = absl::StatusOr<proto::CtlReply>;

proto::CtlRequest AskStatus() {
  proto::CtlRequest request;
  request.mutable_status();
  return request;
}

// As a loop would do it.
Result AwaitResult(Question* question) {
  for (;;) {
    if (std::optional<Result> result = question->Step(MonotonicNow())) return *std::move(result);
    pollfd entry = question->Interest();
    ::poll(&entry, 1, 10);
  }
}

Question Ask(const std::string& path, absl::Duration limit = absl::Seconds(20)) {
  const Instant now = MonotonicNow();
  return Question(path, AskStatus(), now, now + limit);
}

TEST(Question, GetsItsReply) {
  proto::CtlReply reply;
  *reply.mutable_status() = CalmStatus();
  ControlServer server([&](ControlServer::Client* client) {
    EXPECT_TRUE(client->TakeRequest().has_status());
    const std::string bytes = Encoded(reply);
    for (const char byte : bytes) client->Send(std::string(1, byte));
  });
  Question question = Ask(server.path());
  const Result result = AwaitResult(&question);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status().pid(), 4242);
}

TEST(Question, NeverWaitsForAServerThatDoesNot) {
  ControlServer server([](ControlServer::Client* client) { client->AwaitEnd(); });
  {
    Question question = Ask(server.path());
    // The deadline is far: if Step waited, the test would, too, for longer than it may.
    for (int i = 0; i < 1000; ++i) ASSERT_FALSE(question.Step(MonotonicNow()).has_value());
    EXPECT_EQ(question.Interest().events, POLLIN);
    EXPECT_GE(question.Interest().fd, 0);
  }
}

TEST(Question, EndsAtItsDeadline) {
  ControlServer server([](ControlServer::Client* client) { client->AwaitEnd(); });
  const Instant now = MonotonicNow();
  Question question(server.path(), AskStatus(), now, now + absl::Seconds(3));
  EXPECT_FALSE(question.Step(now).has_value());
  EXPECT_EQ(question.wake(now), now + absl::Seconds(3));
  const std::optional<Result> late = question.Step(now + absl::Seconds(3));
  ASSERT_TRUE(late.has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded(late->status()));
}

TEST(Question, WithoutAServerSaysSo) {
  Question nowhere = Ask("/nowhere/control.sock");
  EXPECT_TRUE(absl::StrContains(AwaitResult(&nowhere).status().message(), "no control socket at"));
  const Folder folder;
  { const OwnedFd closed = ListenIn(folder); }
  Question dead = Ask(folder.SocketPath());
  const Result result = AwaitResult(&dead);
  EXPECT_TRUE(absl::IsUnavailable(result.status())) << result.status();
}

TEST(Question, ThatTheServerDropsIsAborted) {
  ControlServer server([](ControlServer::Client* client) { client->TakeRequest(); });
  Question question = Ask(server.path());
  EXPECT_TRUE(absl::IsAborted(AwaitResult(&question).status()));
}

TEST(Question, WaitsWhileTheBacklogIsFull) {
  const Folder folder;
  const OwnedFd listener = ListenIn(folder);  // takes nobody
  std::vector<Question> crowd;
  bool full = false;
  for (int i = 0; i < 100 && !full; ++i) {
    crowd.push_back(Ask(folder.SocketPath()));
    ASSERT_FALSE(crowd.back().Step(MonotonicNow()).has_value());
    full = crowd.back().Interest().fd < 0;
  }
  ASSERT_TRUE(full);
  const Instant now = MonotonicNow();
  EXPECT_LT(crowd.back().wake(now) - now, absl::Milliseconds(100));
}

TEST(Question, WhatIsNoReplyIsDataLoss) {
  ControlServer server([](ControlServer::Client* client) {
    client->TakeRequest();
    client->Send("\xff\xff\xff\xff");
  });
  Question question = Ask(server.path());
  EXPECT_EQ(AwaitResult(&question).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace windlass
