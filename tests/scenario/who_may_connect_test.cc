// listener.allow and listener.proxy_protocol: who may connect, and who a client is behind a proxy.
#include <gtest/gtest.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/read_file.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

constexpr absl::string_view kProxied = "allow = [\"127.0.0.0/8\"]\nproxy_protocol = true";
constexpr absl::string_view kHeader = "PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n";

std::unique_ptr<Server> Start(absl::string_view listener_lines) {
  return Server::StartWithConfig(
      ConfigText({.listeners = absl::StrCat(ListenerText("message", listener_lines),
                                            ListenerText("echo", listener_lines),
                                            ListenerText("line", listener_lines))}));
}

bool IsListed(const Server& server, const std::string& peer) {
  for (const auto& connection : ServerConnections::Of(server).connections) {
    if (connection.peer == peer) return true;
  }
  return false;
}

TEST(Allow, TurnsAwayWhoIsNotInIt) {
  const auto server = Start("allow = [\"10.0.0.0/8\", \"::1\"]");
  Client client(server->address("message"));
  client.Send(SearchRequest("morpheus"));
  EXPECT_TRUE(client.SeesEnd());
  EXPECT_TRUE(server->LogHas(": not in listener.allow"));
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("accepted"), 0u);
}

TEST(Allow, LetsInWhoIsInItAndIsReloaded) {
  const auto server = Server::StartWithConfig(
      ConfigText({.listeners = ListenerText("message", "allow = [\"127.0.0.1\"]")}));
  Client client(server->address("message"));
  client.Send(SearchRequest("morpheus"));
  ASSERT_TRUE(client.ReadAnswer());
  server->WriteConfig(
      ConfigText({.listeners = ListenerText("message", "allow = [\"192.0.2.1\"]")}));
  ASSERT_TRUE(Reload(*server));
  Client late(server->address("message"));
  EXPECT_TRUE(late.SeesEnd());
  client.Send(SearchRequest("morpheus"));
  EXPECT_TRUE(client.ReadAnswer()) << "it was let in";
}

TEST(Allow, OfAUnixAddressGoesByUser) {
  const TemporaryFolder folder;
  const std::string mine = absl::StrCat("unix:", folder.path(), "/mine"),
                    other = absl::StrCat("unix:", folder.path(), "/other");
  const auto server = Server::StartWithConfig(
      ConfigText({.listeners = absl::StrCat(
                      ListenerText("message"),
                      ListenerAt(mine, "message", absl::StrCat("allow = [\"uid:", getuid(), "\"]")),
                      ListenerAt(other, "message", "allow = [\"uid:54321\", \"gid:54321\"]"))}));
  Client in(mine), out(other);
  in.Send(SearchRequest("morpheus"));
  EXPECT_TRUE(in.ReadAnswer());
  EXPECT_TRUE(out.SeesEnd());
}

TEST(ConnectionsOfOneAddress, AreLimitedOverAllWorkersAndReloads) {
  const std::string config =
      ConfigText({.listeners = ListenerText("message", "max_connections_per_address = 5") +
                               ListenerText("line")});
  const auto server = Server::StartWithConfig(config);
  std::vector<std::unique_ptr<Client>> clients;
  const auto connect = [&] {
    clients.push_back(std::make_unique<Client>(server->address("message")));
    clients.back()->Send(SearchRequest("morpheus"));
    return clients.back()->ReadAnswer().has_value();
  };
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(connect()) << i;
  EXPECT_FALSE(connect());
  EXPECT_TRUE(server->LogHas("it has 5 connections (listener.max_connections_per_address)"));
  Client elsewhere(server->address("line"));
  elsewhere.Send("a line\n");
  EXPECT_EQ(elsewhere.Read(7), "a line\n") << "it is of that listener only";
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  for (int i = 0; i < 5; ++i) {
    clients[static_cast<size_t>(i)]->Send(SearchRequest("morpheus"));
    EXPECT_TRUE(clients[static_cast<size_t>(i)]->ReadAnswer()) << "it moved";
  }
  EXPECT_FALSE(connect()) << "those that moved count";
  clients[0]->Close();
  EXPECT_TRUE(Eventually([&] { return connect(); }));
  EXPECT_FALSE(connect());
}

TEST(ConnectionsOfOneAddress, OfADeadWorkerDoNotCount) {
  const auto server = Server::StartWithConfig(ConfigText(
      {.workers = 1, .listeners = ListenerText("message", "max_connections_per_address = 3")}));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server->address("message")));
    clients.back()->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(clients.back()->ReadAnswer());
  }
  ::kill(server->Children("worker")[0], SIGKILL);
  EXPECT_TRUE(Eventually([&] { return Serves(server->address("message")); }));
}

TEST(ConnectionsOfOneAddress, BehindAProxyAreTheClients) {
  const auto server = Start(absl::StrCat(kProxied, "\nmax_connections_per_address = 1"));
  const auto header = [](int host) {
    return absl::StrCat("PROXY TCP4 192.0.2.", host, " 10.0.0.1 4711 80\r\n");
  };
  Client one(server->address("line")), other(server->address("line")),
      more(server->address("line"));
  one.Send(header(7) + "a line\n");
  EXPECT_EQ(one.Read(7), "a line\n");
  other.Send(header(8) + "a line\n");
  EXPECT_EQ(other.Read(7), "a line\n");
  more.Send(header(7) + "a line\n");
  EXPECT_EQ(more.ReadToEnd(), "");
  Client raw(server->address("echo")), more_raw(server->address("echo"));
  raw.Send(header(7) + "a line\n");
  EXPECT_EQ(raw.Read(7), "a line\n");
  more_raw.Send(header(7) + "a line\n");
  EXPECT_EQ(more_raw.ReadToEnd(), "");
}

TEST(ProxyProtocol, SaysWhoTheClientIs) {
  const auto server = Start(kProxied);
  Client client(server->address("message"));
  client.Send(absl::StrCat(kHeader, SearchRequest("morpheus")));
  std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->content, kRabbit);
  EXPECT_TRUE(IsListed(*server, "192.0.2.7:4711"));
  client.Send(SearchRequest("morpheus"));
  EXPECT_TRUE(client.ReadAnswer()) << "there is one header for a connection";
}

TEST(ProxyProtocol, MayArriveByteByByteAndInAnyProtocol) {
  const auto server = Start(kProxied);
  for (const char* protocol : {"echo", "line"}) {
    Client client(server->address(protocol));
    client.SendByteByByte(absl::StrCat(kHeader, "a line\n"));
    EXPECT_EQ(client.Read(7), "a line\n") << protocol;
    EXPECT_TRUE(IsListed(*server, "192.0.2.7:4711")) << protocol;
  }
}

TEST(ProxyProtocol, WithoutTheHeaderIsClosedWithoutAWord) {
  const auto server = Start(kProxied);
  for (const char* protocol : {"message", "echo", "line"}) {
    Client client(server->address(protocol));
    client.Send("hello there\n");
    EXPECT_EQ(client.ReadToEnd(), "") << protocol;
  }
  EXPECT_TRUE(server->LogHas("does not begin with a header of the PROXY protocol"));
}

TEST(ProxyProtocol, IsNotTakenFromWhomItIsNotExpected) {
  const auto server = Start("");
  Client client(server->address("line"));
  client.Send(absl::StrCat(kHeader, "a line\n"));
  EXPECT_EQ(client.Read(kHeader.size() + 7), absl::StrCat(kHeader, "a line\n")) << "just lines";
  EXPECT_FALSE(IsListed(*server, "192.0.2.7:4711"));
}

TEST(ProxyProtocol, MovesWithItsConnectionAtEveryByte) {
  const auto server = Start(absl::StrCat(kProxied, "\nframe_timeout = \"20s\""));
  const std::string all = absl::StrCat(kHeader, "a line\n");
  for (const size_t cut : {size_t{0}, size_t{1}, size_t{5}, size_t{17}, kHeader.size() - 1,
                           kHeader.size(), kHeader.size() + 3}) {
    Client message(server->address("line")), raw(server->address("echo"));
    message.Send(all.substr(0, cut));
    raw.Send(all.substr(0, cut));
    ASSERT_TRUE(Eventually([&] { return ServerConnections::Of(*server).connections.size() >= 2; }));
    ASSERT_TRUE(Reload(*server));
    ASSERT_TRUE(OldGenerationsEnd(*server));
    message.Send(all.substr(cut));
    raw.Send(all.substr(cut));
    EXPECT_EQ(message.Read(7), "a line\n") << cut;
    EXPECT_EQ(raw.Read(7), "a line\n") << cut;
    EXPECT_TRUE(IsListed(*server, "192.0.2.7:4711")) << cut;
  }
}

TEST(ProxyProtocol, InTheAccessLogIsTheClient) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/access.log";
  const auto server = Server::StartWithConfig(
      ConfigText({.listeners = ListenerText(
                      "message", absl::StrCat(kProxied, "\naccess_log = \"", path, "\""))}));
  Client client(server->address("message"));
  client.Send(absl::StrCat(kHeader, SearchRequest("morpheus")));
  ASSERT_TRUE(client.ReadAnswer());
  EXPECT_TRUE(Eventually([&] {
    const absl::StatusOr<std::string> log = ReadFile(path);
    return log.ok() && absl::StrContains(*log, "\"peer\":\"192.0.2.7:4711\"");
  }));
}

}  // namespace
}  // namespace windlass
