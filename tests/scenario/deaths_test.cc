// What clients see when processes die or stop.
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"

namespace windlass {
namespace {

// Waits until a process has used some CPU since it had used `before`: its job is running.
bool IsBusy(pid_t pid, absl::Duration before) {
  return Eventually([&] { return CpuTime(pid) > before + absl::Milliseconds(50); });
}

TEST(PoolProcessKilledInMidJob, CostsThatJobItsAnswerAndNobodyElseAnything) {
  const auto server = Server::StartWithConfig(ConfigText(
      {.pool = 1,
       .handlers = "[[handler]]\nname = \"burn\"\nbuiltin = \"burn\"\nidempotent = false\n"}));
  const pid_t victim = server->Children("pool").at(0);
  Client first(server->address("message")), second(server->address("message"));
  first.Send(BurnRequest(60'000, R"(, "request-id": "lost")"));
  ASSERT_TRUE(IsBusy(victim, absl::ZeroDuration()));
  // Behind it in the queue, by the same client and by another one.
  first.Send(SearchRequest("ring"));
  second.Send(SearchRequest("morpheus"));
  ::kill(victim, SIGABRT);  // not SIGSEGV: sanitizers turn that into an exit
  const std::optional<MessageAnswer> lost = first.ReadAnswer();
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->status, "handler_crashed");
  EXPECT_EQ(lost->request_id, "lost");
  EXPECT_TRUE(absl::StrContains(lost->content, "SIGABRT")) << lost->content;
  EXPECT_TRUE(first.ReadAnswer());
  const std::optional<MessageAnswer> other = second.ReadAnswer();
  ASSERT_TRUE(other);
  EXPECT_EQ(other->content, kRabbit);
  EXPECT_TRUE(Eventually([&] {
    const std::vector<pid_t> pool = server->Children("pool");
    return pool.size() == 1 && pool[0] != victim;
  }));
}

TEST(IdlePoolProcessesKilled, AreReplacedAndNoAnswerIsLost) {
  const auto server = Server::StartUsual();
  for (pid_t pid : server->Children("pool")) ::kill(pid, SIGKILL);
  EXPECT_TRUE(Serves(server->address("message")));
}

// Kills at random moments reach a process before, while and after it takes a job: each request has
// exactly one answer all the same, and only jobs that a killed process had can be crashed ones.
TEST(PoolProcessesKilledAtRandomMoments, LoseNoAnswerAndAnswerNothingTwice) {
  const auto server = Server::StartUsual();
  std::atomic<bool> done = false;
  std::atomic<int> kills = 0;
  std::thread killer([&] {
    while (!done) {
      for (pid_t pid : server->Children("pool")) {
        if (::kill(pid, SIGKILL) == 0) ++kills;
        // Not so fast that they mostly die idle: such deaths are backed off, for good reason.
        absl::SleepFor(absl::Milliseconds(15));
      }
    }
  });
  int crashed = 0, answered = 0;
  std::vector<std::thread> clients;
  std::mutex mutex;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      Client client(server->address("message"));
      for (int batch = 0; batch < 150; ++batch) {
        std::string requests;
        for (int i = 0; i < 25; ++i) {
          const std::string id = absl::StrCat(c, "-", batch, "-", i);
          requests +=
              MessageRequest(id, "x/y", "binary",
                             absl::StrCat(R"(, "handler": "echo", "request-id": ")", id, "\""));
        }
        ASSERT_TRUE(client.Send(requests));
        for (int i = 0; i < 25; ++i) {
          const std::optional<MessageAnswer> answer = client.ReadAnswer(absl::Seconds(60));
          ASSERT_TRUE(answer) << c << "-" << batch << "-" << i;
          EXPECT_EQ(answer->request_id, absl::StrCat(c, "-", batch, "-", i));
          const std::lock_guard lock(mutex);
          if (answer->status.empty()) {
            EXPECT_EQ(answer->content, answer->request_id);
            ++answered;
          } else {
            EXPECT_EQ(answer->status, "handler_crashed") << answer->content;
            ++crashed;
          }
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  done = true;
  killer.join();
  EXPECT_EQ(answered + crashed, 4 * 150 * 25);
  EXPECT_LE(crashed, kills);
  EXPECT_TRUE(Serves(server->address("message")));
  EXPECT_EQ(server->Children("worker").size(), 2u);
}

TEST(WorkerKilled, DropsItsOwnConnectionsAndNobodyElses) {
  const auto server = Server::StartUsual();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<Client>(server->address("message")));
    clients.back()->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(clients.back()->ReadAnswer());
  }
  const std::vector<pid_t> before = server->Children("worker");
  ::kill(before[0], SIGKILL);
  ASSERT_TRUE(Eventually([&] {
    const std::vector<pid_t> now = server->Children("worker");
    return now.size() == 2 && now != before;
  }));
  int dropped = 0;
  for (auto& client : clients) {
    if (client->SeesEnd(absl::Milliseconds(1))) {
      ++dropped;
      continue;
    }
    client->Send(SearchRequest("morpheus"));
    const std::optional<MessageAnswer> answer = client->ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->content, kRabbit);
  }
  EXPECT_GT(dropped, 0);
  EXPECT_LT(dropped, 40);
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(StoppedWorkerWithAnswersDue, DoesNotHoldUpTheOthers) {
  const auto server = Server::StartUsual();
  // A client on each worker: those of the stopped one hang, all others are served.
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(server->address("message")));
    clients.back()->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(clients.back()->ReadAnswer());
  }
  const pid_t stopped = server->Children("worker").at(0);
  for (auto& client : clients) client->Send(BurnRequest(5) + BurnRequest(5));
  ::kill(stopped, SIGSTOP);
  int served = 0;
  for (auto& client : clients) {
    if (client->ReadAnswer(absl::Milliseconds(300)) && client->ReadAnswer(absl::Milliseconds(300)))
      ++served;
  }
  EXPECT_GT(served, 0);
  // The other worker is well for long, not just until a channel is full.
  Client fresh(server->address("message"));
  ASSERT_TRUE(Eventually([&] {
    Client probe(server->address("message"));
    probe.Send(SearchRequest("morpheus"));
    if (!probe.ReadAnswer(absl::Milliseconds(200))) return false;
    fresh = std::move(probe);
    return true;
  }));
  for (int i = 0; i < 2000; ++i) {
    fresh.Send(SearchRequest("morpheus"));
    ASSERT_TRUE(fresh.ReadAnswer()) << i;
  }
  // And it goes on taking clients, although it has many more than its stopped sibling.
  std::vector<std::unique_ptr<Client>> crowd;
  for (int i = 0; i < 60; ++i) {
    crowd.push_back(std::make_unique<Client>(server->address("message")));
    crowd.back()->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(crowd.back()->ReadAnswer()) << i;
  }
  ::kill(stopped, SIGCONT);
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(MasterKilled, LeavesNoProcessAndAFreePortWithinASecondAndClientsHear) {
  auto server = Server::StartUsual();
  const std::vector<pid_t> workers = server->Children("worker"), pool = server->Children("pool");
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  ASSERT_TRUE(
      Eventually([&] { return CpuTime(pool[0]) + CpuTime(pool[1]) > absl::Milliseconds(80); }));
  server->Signal(SIGKILL);
  const absl::Time killed = absl::Now();
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "unavailable");
  for (const std::vector<pid_t>& group : {workers, pool}) {
    for (pid_t pid : group) EXPECT_TRUE(Eventually([&] { return !ProcessExists(pid); })) << pid;
  }
  EXPECT_LT(absl::Now() - killed, absl::Seconds(1));
  const std::string address = server->address("message");
  EXPECT_EQ(server->WaitForEnd(), 128 + SIGKILL);
  const auto successor =
      Server::Start({absl::StrCat("--listen=message://", address), "--workers=1", "--pool=1"});
  EXPECT_TRUE(Serves(address));
}

TEST(QueuedJob, IsAnsweredAtItsDeadlineAlthoughThePoolIsBusy) {
  const auto server = Server::StartUsual({"--pool=1"});
  Client hog(server->address("message")), client(server->address("message"));
  hog.Send(BurnRequest(60'000));
  ASSERT_TRUE(IsBusy(server->Children("pool").at(0), absl::ZeroDuration()));
  client.Send(SearchRequest("morpheus", R"(, "deadline-ms": 100)"));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "deadline_exceeded");
}

TEST(RunningJob, IsAnsweredAtItsDeadlineAndItsLateReplyReachesNobody) {
  const auto server = Server::StartUsual({"--pool=1", "--workers=1"});
  Client client(server->address("message"));
  client.Send(BurnRequest(300, R"(, "deadline-ms": 50, "request-id": "late")") +
              SearchRequest("morpheus"));
  const std::optional<MessageAnswer> late = client.ReadAnswer();
  ASSERT_TRUE(late);
  EXPECT_EQ(late->status, "deadline_exceeded");
  const std::optional<MessageAnswer> next = client.ReadAnswer();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->content, kRabbit);
}

}  // namespace
}  // namespace windlass
