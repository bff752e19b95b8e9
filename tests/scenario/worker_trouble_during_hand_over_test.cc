// Workers that stop, die or have no room just when connections move.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

using Clients = std::vector<std::unique_ptr<Client>>;

Clients Connect(const Server& server, int count) {
  Clients clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(server.address("message")));
    EXPECT_TRUE(clients.back()->Send(SearchRequest("morpheus")));
    EXPECT_TRUE(clients.back()->ReadAnswer());
  }
  return clients;
}

// Sends a request on each connection. Those that were ended are taken out; of the others each must
// have the right answer.
void DropEnded(Clients* clients) {
  for (auto& client : *clients) client->Send(SearchRequest("morpheus"));
  clients->erase(std::remove_if(clients->begin(), clients->end(),
                                [](const auto& client) {
                                  const std::string begin = client->Read(2);
                                  if (begin.empty()) return true;
                                  const std::string all = client->Read(
                                      static_cast<unsigned char>(begin[1]) + kRabbit.size());
                                  EXPECT_TRUE(all.ends_with(std::string(kRabbit))) << all;
                                  return false;
                                }),
                 clients->end());
}

TEST(StoppedWorker, GetsNoIdleClientsFromTheOthers) {
  const auto server = Server::StartWithConfig(ConfigText({.workers = 2}));
  const pid_t stopped = ServerStatus::Of(*server).Pids("worker").at(0);
  ::kill(stopped, SIGSTOP);
  std::vector<std::unique_ptr<Client>> clients;
  while (clients.size() < 60) {
    auto client = std::make_unique<Client>(server->address("message"));
    client->Send(SearchRequest("morpheus"));
    // One that the stopped worker was woken for waits: it is not what this is about.
    if (client->ReadAnswer(absl::Seconds(2))) clients.push_back(std::move(client));
  }
  // Longer than it takes to see that the load is uneven.
  const absl::Time end = absl::Now() + absl::Seconds(3);
  while (absl::Now() < end) {
    for (auto& client : clients) {
      client->Send(SearchRequest("morpheus"));
      ASSERT_TRUE(client->ReadAnswer(absl::Seconds(2)));
    }
    absl::SleepFor(absl::Milliseconds(20));  // idle, so that they could be moved
  }
  ::kill(stopped, SIGCONT);
}

TEST(OldWorkerThatIsStopped, DelaysNobodyElseAndIsKilledAfterDrainTimeout) {
  const auto server = Server::StartWithConfig(ConfigText({.in_master = "drain_timeout = \"2s\""}));
  Clients clients = Connect(*server, 40);
  const pid_t stopped = server->Children("worker").at(0);
  ::kill(stopped, SIGSTOP);
  const absl::Time begin = absl::Now();
  ASSERT_TRUE(Reload(*server));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  // New clients are served, and so are those of the other worker.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Serves(server->address("message")));
  size_t served = 0;
  for (auto& client : clients) client->Send(SearchRequest("morpheus"));
  for (auto& client : clients) served += client->ReadAnswer(absl::Milliseconds(50)) ? 1 : 0;
  EXPECT_GE(served, 10u);
  EXPECT_TRUE(Eventually([&] { return !ProcessExists(stopped); }));
  EXPECT_GE(absl::Now() - begin, absl::Seconds(2));
  EXPECT_LE(absl::Now() - begin, absl::Seconds(6));
  EXPECT_TRUE(OldGenerationsEnd(*server));
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("connections"), served);
}

TEST(OldWorkerThatIsStoppedForAWhile, GivesItsConnectionsAwayAfterwards) {
  const auto server = Server::StartWithConfig(ConfigText());
  Clients clients = Connect(*server, 40);
  const std::vector<pid_t> old = server->Children("worker");
  for (const pid_t pid : old) ::kill(pid, SIGSTOP);
  for (auto& client : clients) client->Send(SearchRequest("morpheus"));
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(Reload(*server));
  for (const pid_t pid : old) ::kill(pid, SIGCONT);
  for (auto& client : clients) {
    const std::optional<MessageAnswer> answer = client->ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->content, kRabbit);
  }
  EXPECT_TRUE(OldGenerationsEnd(*server));
}

// At random moments around the one at which connections move to it.
TEST(NewWorkerKilledDuringTheReload, CostsAtMostTheConnectionsThatItHadTaken) {
  const auto server = Server::StartWithConfig(ConfigText());
  std::mt19937_64 random(5);
  Clients clients;
  int dropped = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    Clients more = Connect(*server, 200 - static_cast<int>(clients.size()));
    std::move(more.begin(), more.end(), std::back_inserter(clients));
    const std::vector<pid_t> old = server->Children("worker");
    server->Signal(SIGHUP);
    pid_t victim = 0;
    ASSERT_TRUE(Eventually([&] {
      for (const pid_t pid : server->Children("worker")) {
        if (std::find(old.begin(), old.end(), pid) == old.end()) victim = pid;
      }
      return victim != 0;
    }));
    absl::SleepFor(absl::Microseconds(random() % 8000));  // what is tested is any moment
    ::kill(victim, SIGKILL);
    ASSERT_TRUE(OldGenerationsEnd(*server)) << attempt;
    DropEnded(&clients);
    dropped += 200 - static_cast<int>(clients.size());
    // The other new worker, or the old ones, have the rest; if the victim was the first that was
    // ready to take any, it may have had all.
    EXPECT_EQ(ServerStatus::Of(*server).totals.at("connections"), clients.size()) << attempt;
  }
  RecordProperty("dropped", dropped);
  EXPECT_LT(dropped, 2000) << "somebody was left at some attempt";
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(NewWorkersWithTooFewPlaces, LeaveTheRestWithTheOldOnesUntilDrainTimeout) {
  const auto server =
      Server::StartWithConfig(ConfigText({.workers = 1, .in_master = "drain_timeout = \"4s\""}));
  Clients clients = Connect(*server, 60);
  Client busy(server->address("message"));
  busy.Send(BurnRequest(500));
  ASSERT_TRUE(RunsJobs(*server, 1));
  server->WriteConfig(ConfigText({.workers = 1, .in_workers = "max_connections = 20"}));
  ASSERT_TRUE(Reload(*server));
  const absl::Time begin = absl::Now();
  // Whoever has them, all are served.
  for (int round = 0; round < 3; ++round) {
    DropEnded(&clients);
    ASSERT_EQ(clients.size(), 60u) << round;
  }
  const std::optional<MessageAnswer> burned = busy.ReadAnswer();
  ASSERT_TRUE(burned);
  EXPECT_EQ(burned->status, "");
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3)) << "too slow to have seen what is tested";
  ASSERT_TRUE(OldGenerationsEnd(*server));
  DropEnded(&clients);
  EXPECT_GE(clients.size(), 19u);
  EXPECT_LE(clients.size(), 20u);
}

TEST(WorkerOutOfDescriptors, TakesNoMoreConnectionsThanItCanAndTheOthersAreServedOn) {
  const auto server = Server::StartWithConfig(ConfigText());
  Clients clients = Connect(*server, 60);
  // The one that is scaled away is the one with the highest number; the other has room for 10 more.
  const std::vector<ServerStatus::Process> workers = ServerStatus::Of(*server).Serving("worker");
  const pid_t heir = workers.at(0).slot < workers.at(1).slot ? workers[0].pid : workers[1].pid;
  const auto open =
      std::distance(std::filesystem::directory_iterator(absl::StrCat("/proc/", heir, "/fd")), {});
  rlimit usual;
  const rlimit few = {static_cast<rlim_t>(open) + 10, 20000};
  ASSERT_EQ(::prlimit(heir, RLIMIT_NOFILE, &few, &usual), 0);
  ASSERT_EQ(server->Ctl({"scale", "workers=1"}).exit_code, 0);
  for (int round = 0; round < 3; ++round) {
    DropEnded(&clients);
    ASSERT_EQ(clients.size(), 60u) << round;
  }
  EXPECT_EQ(server->Children("worker").size(), 2u);  // not all could go
  ASSERT_EQ(::prlimit(heir, RLIMIT_NOFILE, &usual, nullptr), 0);
  EXPECT_TRUE(OldGenerationsEnd(*server));  // all processes but the wanted ones, too
  DropEnded(&clients);
  EXPECT_EQ(clients.size(), 60u);
}

}  // namespace
}  // namespace windlass
