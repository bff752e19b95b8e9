#include "master/control_listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr absl::string_view kWayOut =
    " (one beside it needs --set=master.control=PATH and an admin.address of its own)";

class ControlListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "control_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/control.sock";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static std::unique_ptr<ControlListener> Create(const std::string& path) {
    absl::StatusOr<std::unique_ptr<ControlListener>> listener = ControlListener::Create(path);
    EXPECT_EQ(listener.status(), absl::OkStatus());
    return listener.ok() ? *std::move(listener) : nullptr;
  }
  std::string Why(const std::string& path) {
    return std::string(ControlListener::Create(path).status().message());
  }
  bool Exists() { return std::filesystem::exists(path_); }
  unsigned Mode(const std::string& path) {
    struct stat info = {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  // As of a server that was killed.
  OwnedFd Bind(const std::string& path) {
    OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = Address(path);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }
  bool Answers(const std::string& path) {
    const OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = Address(path);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }

  std::string directory_, path_;

 private:
  static sockaddr_un Address(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    return address;
  }
};

TEST_F(ControlListenerTest, TheSocketIsForItsOwnerAloneWhateverTheUmask) {
  for (const mode_t mask : {0, 022, 077}) {
    const mode_t before = ::umask(mask);
    const std::unique_ptr<ControlListener> listener = Create(path_);
    EXPECT_EQ(::umask(before), mask) << "the mask is put back";
    EXPECT_EQ(Mode(path_), 0600u);
    EXPECT_TRUE(Answers(path_));
  }
}

TEST_F(ControlListenerTest, TheDescriptorIsNotInheritedAndDoesNotBlock) {
  const std::unique_ptr<ControlListener> listener = Create(path_);
  EXPECT_NE(::fcntl(listener->fd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(listener->fd(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(ControlListenerTest, ADirectoryThatIsMissingIsMade) {
  const mode_t before = ::umask(022);
  const std::string path = directory_ + "/windlass/control.sock";
  const std::unique_ptr<ControlListener> listener = Create(path);
  ::umask(before);
  EXPECT_EQ(Mode(directory_ + "/windlass"), 0755u);
  EXPECT_EQ(listener->path(), path);
}

TEST_F(ControlListenerTest, SaysWhyADirectoryCannotBeMade) {
  EXPECT_EQ(Why(directory_ + "/a/b/c.sock"),
            absl::StrCat("control socket ", directory_, "/a/b/c.sock: make ", directory_,
                         "/a/b: No such file or directory"));
  std::ofstream(directory_ + "/file") << "x";
  EXPECT_EQ(Why(directory_ + "/file/c.sock"),
            absl::StrCat("control socket ", directory_, "/file/c.sock: ", directory_,
                         "/file is no directory"));
}

TEST_F(ControlListenerTest, ADirectoryOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const std::string theirs = directory_ + "/theirs";
  std::filesystem::create_directory(theirs);
  ASSERT_EQ(::chown(theirs.c_str(), 1234, 0), 0);
  EXPECT_EQ(Why(theirs + "/c.sock"), absl::StrCat("control socket ", theirs, "/c.sock: ", theirs,
                                                  " belongs to another user, number 1234"));
  const std::string link = directory_ + "/link";
  std::filesystem::create_directory_symlink(directory_, link);
  ASSERT_EQ(::lchown(link.c_str(), 1234, 0), 0);
  EXPECT_EQ(Why(link + "/c.sock"), absl::StrCat("control socket ", link, "/c.sock: ", link,
                                                " belongs to another user, number 1234"));
}

TEST_F(ControlListenerTest, AFileThatADeadServerLeftIsReplaced) {
  Bind(path_).Reset();
  ASSERT_TRUE(Exists());
  const std::unique_ptr<ControlListener> listener = Create(path_);
  EXPECT_TRUE(Answers(path_));
}

TEST_F(ControlListenerTest, AServerThatAnswersIsNotReplaced) {
  const std::unique_ptr<ControlListener> first = Create(path_);
  EXPECT_EQ(
      ControlListener::Create(path_).status(),
      absl::AlreadyExistsError(absl::StrCat("another windlassd is running: ", path_, kWayOut)));
  EXPECT_TRUE(Answers(path_));
}

TEST_F(ControlListenerTest, AServerWhoseQueueIsFullCountsAsOneThatAnswers) {
  const OwnedFd busy = Bind(path_);
  ASSERT_EQ(::listen(busy.get(), 0), 0);
  ASSERT_TRUE(Answers(path_));  // and takes the only place
  EXPECT_EQ(Why(path_), absl::StrCat("another windlassd is running: ", path_, kWayOut));
}

TEST_F(ControlListenerTest, WhatIsNoSocketIsNotReplaced) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(Why(path_), absl::StrCat("control socket ", path_, ": is there and is no socket"));
  EXPECT_TRUE(Exists());
  std::filesystem::remove(path_);
  std::filesystem::create_symlink("elsewhere", path_);
  EXPECT_EQ(Why(path_), absl::StrCat("control socket ", path_, ": is there and is no socket"));
}

TEST_F(ControlListenerTest, APathThatIsNoneIsRefused) {
  EXPECT_FALSE(ControlListener::Create("").ok());
  EXPECT_FALSE(ControlListener::Create("control.sock").ok());
  EXPECT_FALSE(ControlListener::Create(absl::StrCat("/tmp/", std::string(200, 'x'))).ok());
}

TEST_F(ControlListenerTest, TheFileIsRemovedAtTheEnd) {
  Create(path_).reset();
  EXPECT_FALSE(Exists());
}

TEST_F(ControlListenerTest, AFileThatIsAnothersByNowStays) {
  const std::string aside = directory_ + "/ours.sock";
  std::unique_ptr<ControlListener> listener = Create(path_);
  std::filesystem::rename(path_, aside);  // so that its inode is not used again
  const std::unique_ptr<ControlListener> successor = Create(path_);
  listener.reset();
  EXPECT_TRUE(Answers(path_));
}

TEST_F(ControlListenerTest, AForkedChildDoesNotRemoveTheFile) {
  std::unique_ptr<ControlListener> listener = Create(path_);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool knows = !listener->InItsOwnProcess();
    listener.reset();
    ::_exit(knows ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(Answers(path_));
}

TEST_F(ControlListenerTest, AFileThatIsToBeKeptStays) {
  std::unique_ptr<ControlListener> listener = Create(path_);
  listener->KeepFile();
  listener.reset();
  EXPECT_TRUE(Exists());
}

TEST_F(ControlListenerTest, ASocketThatWasHandedOverListensOnAndIsRemovedAtTheEnd) {
  std::unique_ptr<ControlListener> before = Create(path_);
  OwnedFd handed_over(::dup(before->fd()));  // not close-on-exec, as after an exec
  before->KeepFile();
  before.reset();
  absl::StatusOr<std::unique_ptr<ControlListener>> after =
      ControlListener::Adopt(std::move(handed_over), path_);
  ASSERT_EQ(after.status(), absl::OkStatus());
  EXPECT_TRUE(Answers(path_));
  EXPECT_NE(::fcntl((*after)->fd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl((*after)->fd(), F_GETFL) & O_NONBLOCK, 0);
  after->reset();
  EXPECT_FALSE(Exists());
}

TEST_F(ControlListenerTest, WhatDoesNotListenThereIsNotTakenOver) {
  const std::string complaint = "what was handed over does not listen there";
  const std::unique_ptr<ControlListener> listener = Create(path_);
  const std::string other = directory_ + "/other.sock";
  EXPECT_EQ(ControlListener::Adopt(OwnedFd(::dup(listener->fd())), other).status().message(),
            absl::StrCat("control socket ", other, ": ", complaint));
  EXPECT_EQ(ControlListener::Adopt(Bind(other), other).status().message(),
            absl::StrCat("control socket ", other, ": ", complaint));
  EXPECT_FALSE(ControlListener::Adopt(OwnedFd(::open("/dev/null", O_RDONLY)), path_).ok());
}

TEST_F(ControlListenerTest, ASocketWhoseFileIsGoneIsNotTakenOver) {
  const std::unique_ptr<ControlListener> listener = Create(path_);
  std::filesystem::remove(path_);
  EXPECT_EQ(ControlListener::Adopt(OwnedFd(::dup(listener->fd())), path_).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace windlass
