// What systemd is told, and the sockets that it passes. tests/systemd has the real one.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <regex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/posix.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// Listens where sd_notify(3) sends to, for servers that are started while it lives.
class NotifySocket {
 public:
  NotifySocket() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const std::string path = folder_.path() + "/notify";
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~NotifySocket() { ::unsetenv("NOTIFY_SOCKET"); }

  // All that has come so far.
  const std::string& Text() {
    char message[4096];
    for (;;) {
      const ssize_t n = ::recv(socket_.get(), message, sizeof(message), 0);
      if (n < 0) return text_;
      absl::StrAppend(&text_, absl::string_view(message, static_cast<size_t>(n)), "\n");
    }
  }
  bool Hears(const std::string& text, absl::Duration limit = kSoon) {
    return Eventually([&] { return absl::StrContains(Text(), text); }, limit);
  }
  void Forget() {
    Text();
    text_.clear();
  }

 private:
  TemporaryFolder folder_;
  OwnedFd socket_;
  std::string text_;
};

TEST(ServiceManager, HearsOfTheStartAndTheStop) {
  NotifySocket systemd;
  const auto server = Server::StartUsual();
  ASSERT_TRUE(systemd.Hears("READY=1\nSTATUS=serving: 2 workers, 2 pool processes, generation 1"));
  const std::string text = systemd.Text();
  EXPECT_TRUE(absl::StartsWith(text, "EXTEND_TIMEOUT_USEC=65000000\nSTATUS=starting: 2 workers"))
      << text;
  EXPECT_FALSE(absl::StrContains(text, "WATCHDOG")) << "it was not asked for";
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForEnd(), 0);
  EXPECT_TRUE(systemd.Hears("STOPPING=1\nEXTEND_TIMEOUT_USEC="));
}

TEST(ServiceManager, HearsOfReloadsAndWhyTheyFailed) {
  NotifySocket systemd;
  const auto server = Server::StartWithConfig(ConfigText());
  ASSERT_TRUE(systemd.Hears("READY=1"));
  systemd.Forget();
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(systemd.Hears("RELOADING=1\nEXTEND_TIMEOUT_USEC=65000000\n"));
  EXPECT_TRUE(systemd.Hears("READY=1\nSTATUS=serving: 2 workers, 2 pool processes, generation 2"));

  systemd.Forget();
  server->WriteConfig("[[listener]]\nadress = 1\n");
  EXPECT_EQ(server->Ctl({"reload"}).exit_code, 1);
  EXPECT_TRUE(systemd.Hears("generation 2; the last reload failed: "));
  EXPECT_TRUE(systemd.Hears("windlass.toml:2:1: unknown key 'listener.adress'"));

  systemd.Forget();
  server->WriteConfig(ConfigText());
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(systemd.Hears("generation 3"));
  EXPECT_FALSE(absl::StrContains(systemd.Text(), "failed")) << "it is all right again";
}

TEST(ServiceManager, HearsOnOverAnUpgrade) {
  NotifySocket systemd;
  ::setenv("WATCHDOG_USEC", "200000", 1);
  const auto server = Server::StartUsual();
  ::unsetenv("WATCHDOG_USEC");
  ASSERT_TRUE(systemd.Hears("READY=1"));
  EXPECT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  EXPECT_TRUE(systemd.Hears("generation 2"));
  systemd.Forget();
  EXPECT_TRUE(systemd.Hears("WATCHDOG=1"));
}

TEST(ServiceManager, IsFedTheWatchdogWhileTheLoopTurnsAndNotLonger) {
  NotifySocket systemd;
  ::setenv("WATCHDOG_USEC", "200000", 1);
  const auto server = Server::StartUsual();
  ::unsetenv("WATCHDOG_USEC");
  for (int i = 0; i < 5; ++i) {
    systemd.Forget();
    EXPECT_TRUE(systemd.Hears("WATCHDOG=1"));
  }
  server->Signal(SIGSTOP);
  ASSERT_TRUE(Eventually([&] {
    systemd.Forget();
    absl::SleepFor(absl::Milliseconds(500));
    return systemd.Text().empty();
  })) << "a master that is stopped is not heard of";
  server->Signal(SIGCONT);
  EXPECT_TRUE(systemd.Hears("WATCHDOG=1"));
}

TEST(ServiceManager, HearsWhyAStartFailed) {
  NotifySocket systemd;
  const TemporaryFolder folder;
  const std::string config = folder.Write("bad.toml", "[[listener]]\nadress = 1\n");
  EXPECT_EQ(RunProgram({Program("windlassd"), "--config=" + config}).exit_code, 78);
  EXPECT_TRUE(systemd.Hears("STATUS=cannot start: /tmp/"));
  EXPECT_TRUE(systemd.Hears("bad.toml:2:1: unknown key 'listener.adress'"));
}

// --- Socket activation

// Sockets that servers which are started while it lives get from descriptor 3 on, and a program
// that starts windlassd as systemd does.
class Activation {
 public:
  explicit Activation(const std::vector<std::string>& names) {
    for (size_t i = 0; i < names.size(); ++i) {
      OwnedFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in address = {};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
      EXPECT_EQ(::listen(socket.get(), 64), 0);
      socklen_t size = sizeof(address);
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
      addresses_.push_back(absl::StrCat("127.0.0.1:", ntohs(address.sin_port)));
      sockets_.push_back(std::move(socket));
    }
    std::string redirections;
    for (size_t i = 0; i < names.size(); ++i) {
      // Out of the way of descriptors 3 and up, which are the shell's to give.
      const int high = 100 + static_cast<int>(i);
      EXPECT_EQ(::dup2(sockets_[i].get(), high), high);
      absl::StrAppend(&redirections, " ", 3 + i, "<&", high);
    }
    folder_.Write("start",
                  absl::StrCat("#!/bin/bash\nexport LISTEN_PID=$$ LISTEN_FDS=", names.size(),
                               " LISTEN_FDNAMES=", absl::StrJoin(names, ":"), "\nexec '",
                               Program("windlassd"), "' \"$@\"", redirections, "\n"));
    ::chmod(program().c_str(), 0755);
  }
  ~Activation() {
    for (size_t i = 0; i < sockets_.size(); ++i) ::close(100 + static_cast<int>(i));
  }

  std::string program() const { return folder_.path() + "/start"; }
  const std::string& address(size_t i) const { return addresses_[i]; }

 private:
  TemporaryFolder folder_;
  std::vector<OwnedFd> sockets_;
  std::vector<std::string> addresses_;
};

TEST(SocketOfSystemd, IsServedByNameAndByAddress) {
  const Activation systemd({"web", "other"});
  const auto server = Server::StartProgram(
      systemd.program(),
      {"--listen=message://systemd:web", "--listen=message://" + systemd.address(1)});
  EXPECT_TRUE(Serves(systemd.address(0)));
  EXPECT_TRUE(Serves(systemd.address(1)));
  EXPECT_FALSE(server->LogHas("no listener uses"));
}

TEST(SocketOfSystemd, StaysOverReloadUpgradeAndTheStop) {
  const Activation systemd({"web"});
  const auto server = Server::StartProgram(systemd.program(), {"--listen=message://systemd:web"});
  Client client(systemd.address(0));
  for (const char* command : {"reload", "upgrade", "reload"}) {
    EXPECT_EQ(server->Ctl({command}).exit_code, 0) << command;
    client.Send(SearchRequest("morpheus"));
    ASSERT_TRUE(client.ReadAnswer()) << command;
    EXPECT_TRUE(Serves(systemd.address(0))) << command;
  }
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForEnd(), 0);
  // Nobody is refused: the next server finds who waits.
  Client waiting(systemd.address(0));
  waiting.Send(SearchRequest("morpheus"));
  const auto next = Server::StartProgram(systemd.program(), {"--listen=message://systemd:web"});
  const std::optional<MessageAnswer> answer = waiting.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->content, kRabbit);
}

TEST(SocketOfSystemd, ThatNobodyUsesIsWarnedOf) {
  const Activation systemd({"web", "spare"});
  const auto server = Server::StartProgram(systemd.program(), {"--listen=message://systemd:web"});
  EXPECT_TRUE(
      server->LogHas(absl::StrCat("no listener uses socket 'spare' (", systemd.address(1), ")")));
}

TEST(SocketOfSystemd, ThatWasNotPassedEndsTheStart) {
  const Activation systemd({"web"});
  const ProgramResult result = RunProgram({systemd.program(), "--listen=message://systemd:wob"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(
      absl::StrContains(result.err, "systemd passed no socket of that name (it passed: web)"))
      << result.err;
}

TEST(LogFile, CanBeStandardOutput) {
  const TemporaryFolder folder;
  // A pipe, as container engines have it.
  const std::string start =
      folder.Write("start", absl::StrCat("#!/bin/bash\nexec '", Program("windlassd"),
                                         "' \"$@\" > >(exec cat > '", folder.path(), "/out')\n"));
  ::chmod(start.c_str(), 0755);
  const ProgramResult result = RunProgram(
      {"/bin/sh", "-c",
       absl::StrCat("'", start,
                    "' --listen=message://127.0.0.1:0 --set=log.file=/dev/stdout "
                    "--set=admin.address= & "
                    "for i in $(seq 200); do grep -q serving: '",
                    folder.path(), "/out' && break; sleep 0.05; done; kill $!; wait $!")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const ProgramResult out = RunProgram({"/bin/cat", folder.path() + "/out"});
  EXPECT_TRUE(absl::StrContains(out.out, "info master[")) << out.out;
  EXPECT_TRUE(absl::StrContains(out.out, "stopped")) << out.out;
}

}  // namespace
}  // namespace windlass
