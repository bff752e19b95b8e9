// What an operator sees of a running server, and what can be done to single jobs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// As the server sees the client.
std::string NameOf(const Client& client) {
  SocketAddress address;
  address.length = sizeof(address.storage);
  ::getsockname(client.fd(), reinterpret_cast<sockaddr*>(&address.storage), &address.length);
  return FormatSocketAddress(address);
}

const ServerConnections::Connection* Find(const ServerConnections& all, const Client& client) {
  const auto found = std::find_if(all.connections.begin(), all.connections.end(),
                                  [&](const auto& one) { return one.peer == NameOf(client); });
  return found == all.connections.end() ? nullptr : &*found;
}

TEST(Status, IsAnsweredAtOnceAlthoughEveryOtherProcessIsStopped) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  ASSERT_TRUE(RunsJobs(*server, 1));
  for (const char* role : {"worker", "pool"}) {
    for (const pid_t pid : server->Children(role)) ::kill(pid, SIGSTOP);
  }
  const absl::Time begin = absl::Now();
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(500));
  EXPECT_EQ(status.generation, 1u);
  EXPECT_EQ(status.state, "serving");
  EXPECT_EQ(status.Serving("worker").size(), 2u);
  EXPECT_EQ(status.Serving("pool").size(), 2u);
  EXPECT_EQ(status.totals.at("connections"), 1u);
  EXPECT_EQ(server->Ctl({"status"}).exit_code, 0);
  EXPECT_EQ(server->Ctl({"version"}).exit_code, 0);
  EXPECT_EQ(server->Ctl({"deaths"}).exit_code, 0);
}

TEST(Log, WarnsOfARouteThatTakesThePathOfAHandler) {
  const auto server = Server::StartWithConfig(
      ConfigText({.listeners = ListenerText("http", "routes = { \"/h/burn\" = \"echo\" }")}));
  EXPECT_TRUE(Eventually([&] { return server->LogHas("'/h/burn' is handler 'echo' at"); }));
}

TEST(ConnectionsAndJobs, NameTheWorkersThatDoNotAnswerWithinAboutASecond) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  ASSERT_TRUE(RunsJobs(*server, 1));
  std::vector<uint64_t> slots;
  for (const ServerStatus::Process& worker : ServerStatus::Of(*server).Serving("worker"))
    slots.push_back(worker.slot);
  for (const pid_t pid : server->Children("worker")) ::kill(pid, SIGSTOP);
  absl::Time begin = absl::Now();
  EXPECT_THAT(ServerConnections::Of(*server).silent_workers,
              testing::UnorderedElementsAreArray(slots));
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(1500));
  begin = absl::Now();
  const ServerJobs jobs = ServerJobs::Of(*server);
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(1500));
  EXPECT_THAT(jobs.silent_workers, testing::UnorderedElementsAreArray(slots));
  EXPECT_EQ(jobs.running(), 1u);  // the master sees that by itself
  // People are told, too.
  EXPECT_NE(server->Ctl({"connections"}).err, "");
  for (const pid_t pid : server->Children("worker")) ::kill(pid, SIGCONT);
  EXPECT_TRUE(Eventually([&] { return ServerConnections::Of(*server).silent_workers.empty(); }));
}

TEST(Connections, ShowWhoIsThereAndWhatTheyWaitFor) {
  const auto server = Server::StartWithConfig(ConfigText(
      {.pool = 1,
       .listeners = ListenerText("message", "max_in_flight = 2") + ListenerText("echo")}));
  Client idle(server->address("message")), greedy(server->address("message")),
      echo(server->address("echo"));
  echo.Send("x");
  ASSERT_EQ(echo.Read(1), "x");
  idle.Send(SearchRequest("morpheus"));
  ASSERT_TRUE(idle.ReadAnswer());
  greedy.Send(BurnRequest(60'000) + BurnRequest(60'000) + BurnRequest(60'000));
  ASSERT_TRUE(Eventually([&] {
    const ServerConnections all = ServerConnections::Of(*server);
    const auto* const seen = Find(all, greedy);
    return seen != nullptr && seen->state == "at-limit";
  }));
  const std::string unread = SearchRequest("morpheus");
  greedy.Send(unread);  // which nobody reads now
  const ServerConnections all = ServerConnections::Of(*server);
  ASSERT_EQ(all.connections.size(), 3u);
  const auto *const one = Find(all, idle), *const two = Find(all, greedy),
                    *const three = Find(all, echo);
  ASSERT_TRUE(one != nullptr && two != nullptr && three != nullptr);
  EXPECT_EQ(one->state, "reading-frames");
  EXPECT_EQ(one->in_flight, 0u);
  EXPECT_EQ(one->listener, server->address("message"));
  EXPECT_EQ(one->protocol, "message");
  EXPECT_EQ(two->in_flight, 2u);
  EXPECT_EQ(two->recv_q_bytes, unread.size());
  EXPECT_EQ(three->protocol, "echo");
  EXPECT_EQ(three->listener, server->address("echo"));
  EXPECT_EQ(three->recv_q_bytes, 0u);
}

TEST(Connections, OfThousandsAreAllListed) {
  const auto server = Server::StartUsual();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3000; ++i)
    clients.push_back(std::make_unique<Client>(server->address("message")));
  EXPECT_TRUE(Eventually([&] { return ServerConnections::Of(*server).connections.size() == 3000; }))
      << ServerConnections::Of(*server).connections.size();
}

TEST(Jobs, ShowWhatRunsAndWhatWaitsAndUntilWhen) {
  const auto server = Server::StartUsual({"--pool=1", "--workers=1"});
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000, R"(, "deadline-ms": 20000)"));
  ASSERT_TRUE(RunsJobs(*server, 1));
  constexpr size_t kWaiting = 100;  // some in the kernel's queue, the others in the worker
  for (size_t i = 0; i < kWaiting; ++i)
    client.Send(SearchRequest("morpheus", R"(, "deadline-ms": 9000)"));
  ASSERT_TRUE(Eventually([&] { return ServerJobs::Of(*server).jobs.size() == kWaiting + 1; }));
  const ServerJobs jobs = ServerJobs::Of(*server);
  ASSERT_EQ(jobs.running(), 1u);
  for (const ServerJobs::Job& job : jobs.jobs) {
    EXPECT_EQ(job.handler, job.running ? "burn" : "search");
    EXPECT_GT(job.deadline_ms, 0);
    EXPECT_LE(job.deadline_ms, job.running ? 20'000 : 9'000);
    EXPECT_GE(job.age_ms, 0);
    EXPECT_EQ(job.pid, server->Children(job.running ? "pool" : "worker").at(0));
  }
}

TEST(KillJob, OfARunningOneCostsItsClientThatAnswerAndNobodyElseAnything) {
  const auto server = Server::StartUsual({"--pool=1"});
  Client victim(server->address("message")), other(server->address("message"));
  victim.Send(BurnRequest(60'000, R"(, "request-id": "killed")"));
  ASSERT_TRUE(RunsJobs(*server, 1));
  const ServerJobs::Job job = ServerJobs::Of(*server).jobs.at(0);
  other.Send(SearchRequest("morpheus"));
  const ProgramResult result = server->Ctl({"kill-job", job.id});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::optional<MessageAnswer> answer = victim.ReadAnswer(), well = other.ReadAnswer();
  ASSERT_TRUE(answer && well);
  EXPECT_EQ(answer->status, "handler_crashed");
  EXPECT_EQ(answer->request_id, "killed");
  EXPECT_EQ(well->content, kRabbit);
  victim.Send(SearchRequest("morpheus"));
  EXPECT_TRUE(victim.ReadAnswer());
  const ProgramResult deaths = server->Ctl({"deaths"});
  EXPECT_TRUE(absl::StrContains(deaths.out, "killed by an operator")) << deaths.out;
  const ProgramResult again = server->Ctl({"kill-job", job.id});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(again.err, "no such job")) << again.err;
}

TEST(KillJob, OfOneThatWaitsCostsOnlyIt) {
  const auto server = Server::StartUsual({"--pool=1", "--workers=1", "--set=pool.prefetch=0"});
  Client burning(server->address("message")), waiting(server->address("message"));
  burning.Send(BurnRequest(1500));
  ASSERT_TRUE(RunsJobs(*server, 1));
  waiting.Send(SearchRequest("ring", R"(, "request-id": "dropped")") + SearchRequest("morpheus"));
  ASSERT_TRUE(Eventually([&] { return ServerJobs::Of(*server).jobs.size() == 3; }));
  std::string oldest;
  for (const ServerJobs::Job& job : ServerJobs::Of(*server).jobs) {
    if (!job.running && (oldest.empty() || std::stoull(job.id) < std::stoull(oldest)))
      oldest = job.id;
  }
  const ProgramResult result = server->Ctl({"kill-job", oldest});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::optional<MessageAnswer> dropped = waiting.ReadAnswer(absl::Seconds(1));
  ASSERT_TRUE(dropped) << "it waits for the job before it";
  EXPECT_EQ(dropped->request_id, "dropped");
  EXPECT_EQ(dropped->status, "unavailable");
  EXPECT_EQ(waiting.ReadAnswer()->content, kRabbit);
  const std::optional<MessageAnswer> burned = burning.ReadAnswer();
  ASSERT_TRUE(burned);
  EXPECT_EQ(burned->status, "");
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("deaths"), 0u);
}

TEST(KillJob, WorksForEveryJobThatIsShownAsWaiting) {
  const auto server = Server::StartUsual({"--pool=1", "--workers=1"});
  Client client(server->address("message"));
  client.Send(BurnRequest(1500));
  ASSERT_TRUE(RunsJobs(*server, 1));
  for (int i = 0; i < 4; ++i) client.Send(BurnRequest(60'000));
  ASSERT_TRUE(Eventually([&] { return ServerJobs::Of(*server).jobs.size() == 5; }));
  for (const ServerJobs::Job& job : ServerJobs::Of(*server).jobs) {
    if (job.running) continue;
    const ProgramResult result = server->Ctl({"kill-job", job.id});
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  EXPECT_EQ(client.ReadAnswer()->status, "");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.ReadAnswer()->status, "unavailable");
  client.Send(SearchRequest("morpheus"));
  EXPECT_TRUE(client.ReadAnswer()) << "the dropped ones cost the pool nothing";
}

TEST(ControlSocket, IsNotDisturbedByGarbage) {
  const auto server = Server::StartUsual();
  std::vector<std::unique_ptr<Client>> strangers;
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\0\0\0\0", 4),
        std::string("\xff\xff\xff\xff", 4), std::string("\0\0\0\4nope", 8), std::string("\0", 1),
        std::string("\0\0\xff\xff", 4) + std::string(70'000, 'x'), std::string()}) {
    strangers.push_back(std::make_unique<Client>("unix:" + server->control_path()));
    strangers.back()->Send(bytes);
    EXPECT_EQ(ServerStatus::Of(*server).state, "serving");
  }
  for (auto& stranger : strangers) stranger->Close();
  EXPECT_EQ(ServerStatus::Of(*server).state, "serving");
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(ControlSocket, IsNotForOtherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  const auto server = Server::StartUsual();
  const TemporaryFolder folder;  // that anybody may read
  const std::string program = folder.path() + "/windlassctl";
  ASSERT_EQ(RunProgram({"/bin/cp", Program("windlassctl"), program}).exit_code, 0);
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  const auto as_nobody = [&](const std::string& command) {
    return RunProgram({"/usr/bin/setpriv", "--reuid=65534", "--clear-groups", program,
                       absl::StrCat("--control=", server->control_path()), command});
  };
  struct stat info;
  ASSERT_EQ(::stat(server->control_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_NE(as_nobody("status").exit_code, 0);
  // Not even where somebody has opened the file to all.
  ASSERT_EQ(::chmod(server->control_path().c_str(), 0666), 0);
  for (const char* command : {"status", "stop", "reload"}) {
    const ProgramResult refused = as_nobody(command);
    EXPECT_NE(refused.exit_code, 0) << command;
    EXPECT_TRUE(absl::StrContains(refused.err, "permission denied")) << refused.err;
    EXPECT_EQ(refused.out, "");
  }
  EXPECT_EQ(ServerStatus::Of(*server).generation, 1u);
  EXPECT_TRUE(Serves(server->address("message")));
}

}  // namespace
}  // namespace windlass
