#include "common/pool_mark.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "common/posix.h"

namespace windlass {
namespace {

// A listening unix socket, to which children connect.
class PoolMarkTest : public testing::Test {
 protected:
  void SetUp() override {
    listening_.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;  // and no path: the kernel chooses one
    ASSERT_EQ(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)),
              0);
    ASSERT_EQ(::listen(listening_.get(), 1), 0);
  }

  // What a child sees of itself when it has connected, after `prepare`; it lives until it is asked.
  OwnedFd ConnectFromChild(const std::function<void()>& prepare) {
    int pipe[2];
    EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::close(pipe[1]);
      prepare();
      Connect();
      char byte;
      (void)!::read(pipe[0], &byte, 1);
      ::_exit(0);
    }
    ::close(pipe[0]);
    let_go_.Reset(pipe[1]);
    return OwnedFd(::accept(listening_.get(), nullptr, nullptr));
  }
  void Connect() {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        ::connect(socket, reinterpret_cast<sockaddr*>(&address), size) != 0) {
      ::_exit(1);
    }
  }
  void EndChild() {
    let_go_.Reset();
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }
  void TearDown() override { EndChild(); }

  OwnedFd listening_, let_go_;
  pid_t child_ = -1;
};

TEST_F(PoolMarkTest, AnybodyElseDoesNotBearIt) {
  EXPECT_FALSE(ComesFromPoolProcess(ConnectFromChild([] {}).get()));
}

TEST_F(PoolMarkTest, WhoHasItBearsIt) {
  EXPECT_TRUE(
      ComesFromPoolProcess(ConnectFromChild([] { ASSERT_TRUE(MarkAsPoolProcess().ok()); }).get()));
}

TEST_F(PoolMarkTest, ChildrenInheritIt) {
  EXPECT_TRUE(ComesFromPoolProcess(ConnectFromChild([] {
                                     ASSERT_TRUE(MarkAsPoolProcess().ok());
                                     const pid_t child = ::fork();
                                     if (child != 0) ::_exit(::waitpid(child, nullptr, 0) < 0);
                                   }).get()));
}

TEST_F(PoolMarkTest, ItIsNotTakenOffAgain) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_marked = ::setuid(65534) == 0 && MarkAsPoolProcess().ok();
    const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    ::_exit(is_marked && ::setrlimit(RLIMIT_LOCKS, &unlimited) != 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// It may have had the mark, and its pid may be anybody's by now.
TEST_F(PoolMarkTest, WhoIsGoneIsNotTrusted) {
  const OwnedFd socket = ConnectFromChild([] {});
  EndChild();
  EXPECT_TRUE(ComesFromPoolProcess(socket.get()));
}

}  // namespace
}  // namespace windlass
