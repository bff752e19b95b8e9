// The terminal in which the server was started goes away.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"

namespace windlass {
namespace {

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A server that is the leader of a session with a terminal of its own, as in a window. `log`:
// where standard error goes; "" = to the terminal as well.
class ServerOnATerminal {
 public:
  ServerOnATerminal(const std::vector<std::string>& arguments, const std::string& log) {
    terminal_.Reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_EQ(::grantpt(terminal_.get()), 0);
    EXPECT_EQ(::unlockpt(terminal_.get()), 0);
    const std::string window = ::ptsname(terminal_.get());
    std::vector<std::string> words = {Program("windlassd"), "--set=admin.address=\"\""};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::setsid();
    const int tty = ::open(window.c_str(), O_RDWR);
    ::ioctl(tty, TIOCSCTTY, 0);
    const int err = log.empty() ? tty : ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(tty, 0);
    ::dup2(tty, 1);
    ::dup2(err, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ~ServerOnATerminal() {
    if (pid_ <= 0 || ended_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void CloseTerminal() { terminal_.Reset(); }
  int WaitForEnd() {
    int status = 0;
    ended_ = Eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    if (!ended_) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  pid_t pid() const { return pid_; }

 private:
  OwnedFd terminal_;
  pid_t pid_ = 0;
  bool ended_ = false;
};

class TerminalHangup : public testing::TestWithParam<bool> {};

TEST_P(TerminalHangup, StopsTheServerGracefully) {
  const TemporaryFolder folder;
  const std::string socket = folder.path() + "/app.sock", log = folder.path() + "/log";
  ServerOnATerminal server(
      {"--workers=2", "--pool=2", absl::StrCat("--listen=message://unix:", socket),
       absl::StrCat("--set=master.control=\"", folder.path(), "/control.sock\"")},
      GetParam() ? "" : log);
  ASSERT_TRUE(Eventually([&] {
    return RunProgram({Program("windlassctl"),
                       absl::StrCat("--control=", folder.path(), "/control.sock"), "version"})
               .exit_code == 0;
  }));
  ASSERT_TRUE(Eventually([&] { return ::access(socket.c_str(), F_OK) == 0; }));
  Client client("unix:" + socket);
  client.Send(SearchRequest("morpheus") + BurnRequest(500) + SearchRequest("morpheus"));
  ASSERT_TRUE(client.ReadAnswer());  // so it has the others, too
  server.CloseTerminal();
  const std::optional<MessageAnswer> burned = client.ReadAnswer();
  ASSERT_TRUE(burned) << ReadWhole(log);
  EXPECT_EQ(burned->status, "");
  const std::optional<MessageAnswer> last = client.ReadAnswer();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->content, kRabbit);
  EXPECT_TRUE(client.SeesEnd());
  EXPECT_EQ(server.WaitForEnd(), 0) << ReadWhole(log);
  EXPECT_NE(::access(socket.c_str(), F_OK), 0) << "the socket's path is still there";
  EXPECT_FALSE(absl::StrContains(ReadWhole(log), "reload"));
}

INSTANTIATE_TEST_SUITE_P(WithTheLog, TerminalHangup, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Lost" : "InAFile"; });

// The same signal from a person is the wish to reload.
TEST(Hangup, OfAPersonIsAReload) {
  const TemporaryFolder folder;
  const std::string log = folder.path() + "/log";
  ServerOnATerminal server(
      {"--workers=1", "--pool=1", absl::StrCat("--listen=message://unix:", folder.path(), "/app"),
       absl::StrCat("--set=master.control=\"", folder.path(), "/control.sock\"")},
      log);
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(ReadWhole(log), "serving:"); }));
  ::kill(server.pid(), SIGHUP);
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(ReadWhole(log), "generation 2 serves"); }));
  EXPECT_TRUE(Serves(absl::StrCat("unix:", folder.path(), "/app")));
}

}  // namespace
}  // namespace windlass
