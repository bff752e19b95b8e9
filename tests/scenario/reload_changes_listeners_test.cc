// What a reload does to listeners, to their clients, and to what handlers load.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// Whether anybody listens there. Client's constructor would fail the test when nobody does.
bool Listens(const std::string& address) {
  const absl::StatusOr<std::vector<SocketAddress>> resolved = ResolveConnectAddress(address);
  if (!resolved.ok()) return false;
  const SocketAddress& to = resolved->front();
  const OwnedFd socket(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(socket.get(), to.get(), to.length) == 0;
}

void ExpectRabbit(Client* client) {
  const std::optional<MessageAnswer> answer = client->ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->content, kRabbit);
}

TEST(ListenerAdded, IsServedAfterTheReload) {
  const auto server = Server::StartWithConfig(ConfigText({.listeners = ListenerText("message")}));
  Client old(server->address("message"));
  server->WriteConfig(ConfigText({.listeners = ListenerText("message") + ListenerText("line")}));
  ASSERT_TRUE(Reload(*server));
  const std::string added = ServerStatus::Of(*server).AddressOf("line");
  ASSERT_NE(added, "");
  Client line(added);
  line.Send("hello\n");
  EXPECT_EQ(line.Read(6), "hello\n");
  old.Send(SearchRequest("morpheus"));
  ExpectRabbit(&old);
  EXPECT_EQ(ServerStatus::Of(*server).AddressOf("message"), server->address("message"));
  EXPECT_TRUE(server->LogHas("listening protocol=line address=" + added));
}

TEST(ListenerRemoved, GivesItsClientsTheirAnswersAndEndsThem) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client busy(server->address("line")), idle(server->address("line"));
  Client burning(server->address("message"));
  server->WriteConfig(ConfigText(
      {.listeners = ListenerText("message") + ListenerText("line", "handler = \"burn\"")}));
  ASSERT_TRUE(Reload(*server));  // now lines are jobs
  busy.Send(absl::StrCat(R"({"action": "burn", "ms": 300})", "\n"));
  busy.Send(absl::StrCat(R"({"action": "burn", "ms": 1})", "\n"));
  ASSERT_TRUE(Eventually([&] { return ServerJobs::Of(*server).running() >= 1; }));
  server->WriteConfig(ConfigText({.listeners = ListenerText("message")}));
  ASSERT_TRUE(Reload(*server));
  // The old workers hear of it a moment after the reload.
  EXPECT_TRUE(Eventually([&] { return !Listens(server->address("line")); }));
  EXPECT_EQ(busy.ReadToEnd(), "{\"result\": \"Burned 300 ms.\"}\n{\"result\": \"Burned 1 ms.\"}\n");
  EXPECT_TRUE(busy.SeesEnd());
  EXPECT_TRUE(idle.SeesEnd());
  burning.Send(SearchRequest("morpheus"));
  ExpectRabbit(&burning);
  EXPECT_TRUE(OldGenerationsEnd(*server));
}

TEST(ListenerRemoved, StillServesClientsThatTheKernelHadAccepted) {
  const auto server = Server::StartWithConfig(ConfigText());
  const std::vector<pid_t> old = server->Children("worker");
  for (const pid_t pid : old) ::kill(pid, SIGSTOP);
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(std::make_unique<Client>(server->address("line")));
    waiting.back()->Send("hello\n");
  }
  server->WriteConfig(ConfigText({.listeners = ListenerText("message")}));
  ASSERT_TRUE(Reload(*server));
  for (const pid_t pid : old) ::kill(pid, SIGCONT);
  for (auto& client : waiting) {
    EXPECT_EQ(client->Read(6), "hello\n");
    EXPECT_TRUE(client->SeesEnd());
  }
  EXPECT_TRUE(OldGenerationsEnd(*server));
}

TEST(ListenerThatStays, LosesNoClientThatWaitsInItsQueue) {
  const auto server = Server::StartWithConfig(ConfigText());
  const std::vector<pid_t> old = server->Children("worker");
  for (const pid_t pid : old) ::kill(pid, SIGSTOP);
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(std::make_unique<Client>(server->address("message")));
    waiting.back()->Send(SearchRequest("morpheus"));
  }
  ASSERT_TRUE(Reload(*server));
  // The new workers take them, although the old ones do nothing.
  for (auto& client : waiting) ExpectRabbit(client.get());
  for (const pid_t pid : old) ::kill(pid, SIGCONT);
  EXPECT_TRUE(OldGenerationsEnd(*server));
  for (auto& client : waiting) {
    client->Send(SearchRequest("morpheus"));
    ExpectRabbit(client.get());
  }
}

TEST(ListenerThatSpeaksAnotherProtocol, FinishesOldClientsInTheOldAndTakesNewOnesInTheNew) {
  const std::string first = ListenerAt("127.0.0.5:0", "message"),
                    second = ListenerAt("127.0.0.5:0", "line");
  const auto server = Server::StartWithConfig(ConfigText({.listeners = first}));
  const std::string address = server->address("message");
  Client busy(address), idle(address);
  idle.Send(SearchRequest("morpheus"));
  ExpectRabbit(&idle);
  busy.Send(BurnRequest(300) + SearchRequest("morpheus"));
  ASSERT_TRUE(RunsJobs(*server, 1));
  server->WriteConfig(ConfigText({.listeners = second}));
  ASSERT_TRUE(Reload(*server));
  Client fresh(address);
  fresh.Send("hello\n");
  EXPECT_EQ(fresh.Read(6), "hello\n");
  EXPECT_TRUE(idle.SeesEnd());
  const std::optional<MessageAnswer> burned = busy.ReadAnswer();
  ASSERT_TRUE(burned);
  EXPECT_EQ(burned->status, "");
  ExpectRabbit(&busy);
  EXPECT_TRUE(busy.SeesEnd());
  EXPECT_TRUE(OldGenerationsEnd(*server));
}

TEST(UnixListener, KeepsItsPathAndItsClientsThroughAReloadAndIsRemovedWithItsListener) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/app.sock", address = "unix:" + path;
  const auto server = Server::StartWithConfig(
      ConfigText({.listeners = ListenerText("message") + ListenerAt(address, "line")}));
  Client old(address);
  struct stat before, after;
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Reload(*server));
    ASSERT_TRUE(OldGenerationsEnd(*server));
    ASSERT_EQ(::stat(path.c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    Client fresh(address);
    for (Client* client : {&old, &fresh}) {
      client->Send("hello\n");
      EXPECT_EQ(client->Read(6), "hello\n");
    }
  }
  server->WriteConfig(ConfigText({.listeners = ListenerText("message")}));
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(Eventually([&] { return ::access(path.c_str(), F_OK) != 0; }));
  EXPECT_TRUE(old.SeesEnd());
}

TEST(UnixListener, OfAFailedReloadLeavesNothingBehind) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/new.sock";
  const auto server = Server::StartWithConfig(ConfigText());
  server->WriteConfig(
      ConfigText({.handlers = HandlerText("search", "table = \"/no/such/table.json\""),
                  .listeners = ListenerText("message") + ListenerAt("unix:" + path, "line")}));
  EXPECT_EQ(server->Ctl({"reload"}).exit_code, 1);
  EXPECT_TRUE(Eventually([&] { return ::access(path.c_str(), F_OK) != 0; }));
}

TEST(NewLimits, HoldForTheConnectionsThatMoved) {
  const auto with_lines_of = [](absl::string_view most) {
    return ConfigText(
        {.listeners = ListenerText("line", absl::StrCat("max_line = \"", most, "\""))});
  };
  const auto server = Server::StartWithConfig(with_lines_of("1KiB"));
  Client client(server->address("line"));
  const std::string line = std::string(500, 'x') + "\n";
  client.Send(line);
  EXPECT_EQ(client.Read(line.size()), line);
  server->WriteConfig(with_lines_of("100B"));
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  client.Send("short\n");
  EXPECT_EQ(client.Read(6), "short\n");
  client.Send(line);
  EXPECT_TRUE(client.SeesEnd()) << "too long now";
}

TEST(SearchTable, IsReadAgainByAReloadAndNotBefore) {
  TemporaryFolder folder;
  const std::string table = folder.Write("table.json", R"({"trinity": "Dodge this."})");
  const auto server = Server::StartWithConfig(
      ConfigText({.handlers = HandlerText("search", absl::StrCat("table = \"", table, "\""))}));
  Client client(server->address("message"));
  const auto ask = [&](absl::string_view what) {
    client.Send(SearchRequest(what));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    return answer ? answer->content : "no answer";
  };
  EXPECT_EQ(ask("trinity"), R"({"result": "Dodge this."})");
  folder.Write("table.json", R"({"trinity": "I know kung fu."})");
  EXPECT_EQ(ask("trinity"), R"({"result": "Dodge this."})");
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  EXPECT_EQ(ask("trinity"), R"({"result": "I know kung fu."})");
}

TEST(Sighup, ReloadsAsTheCommandDoes) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client client(server->address("message"));
  server->WriteConfig(ConfigText({.workers = 3, .pool = 3}));
  server->Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return ServerStatus::Of(*server).generation == 2; }));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  EXPECT_EQ(server->Children("worker").size(), 3u);
  EXPECT_EQ(server->Children("pool").size(), 3u);
  client.Send(SearchRequest("morpheus"));
  ExpectRabbit(&client);
}

}  // namespace
}  // namespace windlass
