#include "tools/ctl/control_client.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "tests/common/report/replies.h"
#include "tests/tools/ctl/control_server.h"

namespace windlass {
namespace {

Instant Soon() { return MonotonicNow() + absl::Milliseconds(50); }
Instant Late() { return MonotonicNow() + absl::Seconds(10); }

// A client that has asked for a reload.
absl::StatusOr<ControlClient> Asked(const std::string& path, Instant deadline) {
  absl::StatusOr<ControlClient> client = ControlClient::Connect(path, deadline);
  EXPECT_TRUE(client.ok()) << client.status();
  proto::CtlRequest request;
  request.mutable_reload();
  if (client.ok()) {
    EXPECT_TRUE(client->Send(request).ok());
  }
  return client;
}

TEST(ControlClient, ReceivesTheRepliesInOrder) {
  ControlServer server([](ControlServer::Client* client) {
    EXPECT_TRUE(client->TakeRequest().has_reload());
    client->Send(Encoded(ProgressReply("worker-0 serves")) + Encoded(DoneReply(true, "reloaded")));
  });
  absl::StatusOr<ControlClient> client = Asked(server.path(), Late());
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(client->Receive()->progress().line(), "worker-0 serves");
  EXPECT_EQ(client->Receive()->done().message(), "reloaded");
  EXPECT_TRUE(client->AwaitEnd().ok());
}

TEST(ControlClient, ReceivesAReplyLargerThanAnyBuffer) {
  const std::string message(8 << 20, 'x');
  ControlServer server([&message](ControlServer::Client* client) {
    client->TakeRequest();
    client->Send(Encoded(DoneReply(true, message)));
  });
  absl::StatusOr<ControlClient> client = Asked(server.path(), Late());
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(client->Receive()->done().message(), message);
}

TEST(ControlClient, ReadsWhyAServerDidNotTakeTheRequest) {
  ControlServer server(
      [](ControlServer::Client* client) { client->Send(Encoded(DoneReply(false, "too busy"))); });
  absl::StatusOr<ControlClient> client = Asked(server.path(), Late());
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(client->Receive()->done().message(), "too busy");
}

TEST(ControlClient, SaysThatTheServerEndedTheConnection) {
  for (const std::string& before : {std::string(), Encoded(DoneReply(true, "")).substr(0, 5)}) {
    ControlServer server([&before](ControlServer::Client* client) {
      client->TakeRequest();
      client->Send(before);
    });
    absl::StatusOr<ControlClient> client = Asked(server.path(), Late());
    ASSERT_TRUE(client.ok());
    EXPECT_EQ(client->Receive().status(), absl::AbortedError("the server ended the connection"));
  }
}

TEST(ControlClient, WaitsUntilItsDeadlineOnly) {
  ControlServer server([](ControlServer::Client* client) { client->AwaitEnd(); });
  absl::StatusOr<ControlClient> client = Asked(server.path(), Soon());
  ASSERT_TRUE(client.ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(client->Receive().status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(client->AwaitEnd()));
}

TEST(ControlClient, RefusesWhatIsNoReply) {
  ControlServer server([](ControlServer::Client* client) { client->Send("HTTP/1.1 400\r\n"); });
  absl::StatusOr<ControlClient> client = ControlClient::Connect(server.path(), Late());
  ASSERT_TRUE(client.ok());
  EXPECT_TRUE(absl::IsDataLoss(client->Receive().status()));
}

TEST(ControlClient, NamesTheSocketThatNobodyListensOn) {
  const Folder folder;
  ListenIn(folder).Reset();
  const absl::Status status = ControlClient::Connect(folder.SocketPath(), Late()).status();
  EXPECT_EQ(status.message(), absl::StrCat("connect unix:", folder.SocketPath(),
                                           ": Connection refused - is windlassd running? "
                                           "(--control=PATH names another socket)"));
  EXPECT_TRUE(absl::IsUnavailable(status));
}

TEST(ControlClient, RefusesAPathThatIsTooLongForASocket) {
  const std::string path = "/" + std::string(200, 'x');
  EXPECT_TRUE(absl::IsInvalidArgument(ControlClient::Connect(path, Late()).status()));
}

TEST(FindControlSocket, TakesTheFirstThatExists) {
  const Folder folder, other;
  const OwnedFd listener = ListenIn(folder);
  const OwnedFd second = ListenIn(other);
  EXPECT_EQ(*FindControlSocket({"/nowhere/control.sock", folder.SocketPath(), other.SocketPath()}),
            folder.SocketPath());
}

TEST(FindControlSocket, NamesEveryPlaceThatWasTried) {
  const absl::Status status = FindControlSocket({"/nowhere/a", "/nowhere/b"}).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(),
            "no control socket at /nowhere/a or /nowhere/b: is windlassd running? --control=PATH "
            "names another socket");
}

// Root may do everything, so as root this plays somebody else.
class AsSomebodyElse : public testing::Test {
 protected:
  AsSomebodyElse() { was_root_ = ::geteuid() == 0 && ::seteuid(65534) == 0; }
  ~AsSomebodyElse() override { EXPECT_TRUE(!was_root_ || ::seteuid(0) == 0); }
  void ExpectDenied(const std::vector<std::string>& paths, const std::string& path) {
    const absl::Status status = FindControlSocket(paths).status();
    EXPECT_TRUE(absl::IsUnavailable(status));
    EXPECT_EQ(status.message(),
              path + ": Permission denied: run windlassctl as root or as the server's user");
  }

 private:
  bool was_root_ = false;
};

TEST_F(AsSomebodyElse, ASocketThatOneMayNotUseIsNamed) {
  const Folder folder;
  const OwnedFd listener = ListenIn(folder);
  ASSERT_EQ(::chmod(folder.SocketPath().c_str(), 0), 0);
  ExpectDenied({"/nowhere/a", folder.SocketPath()}, folder.SocketPath());
}

TEST_F(AsSomebodyElse, ADirectoryThatOneMayNotEnterIsNamedIfNoSocketIsFound) {
  const Folder closed, open;
  ASSERT_EQ(::chmod(closed.path().c_str(), 0), 0);
  ExpectDenied({closed.SocketPath(), open.SocketPath()}, closed.SocketPath());
  const OwnedFd listener = ListenIn(open);
  EXPECT_EQ(*FindControlSocket({closed.SocketPath(), open.SocketPath()}), open.SocketPath());
}

}  // namespace
}  // namespace windlass
