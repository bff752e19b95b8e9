#include "master/pid_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

// A live process with a name, until it goes out of scope.
class NamedProcess {
 public:
  explicit NamedProcess(const char* name) {
    int named[2];
    EXPECT_EQ(::pipe(named), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_NAME, name);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(named[0]);
      ::close(named[1]);
      for (;;) ::pause();
    }
    ::close(named[1]);
    char byte;
    EXPECT_EQ(::read(named[0], &byte, 1), 0);  // its end is closed: it has its name
    ::close(named[0]);
  }
  ~NamedProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

class PidFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "pid_file_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/w.pid";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Put(const std::string& content) { std::ofstream(path_) << content; }
  std::string Content() {
    std::ostringstream content;
    content << std::ifstream(path_).rdbuf();
    return content.str();
  }
  bool Exists() { return std::filesystem::exists(path_); }
  size_t FilesInDirectory() {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory_),
                                             std::filesystem::directory_iterator()));
  }
  std::string Own() { return absl::StrCat(::getpid(), "\n"); }

  std::string directory_, path_;
};

TEST_F(PidFileTest, HoldsTheIdAndANewlineAndMayBeReadByAll) {
  const absl::StatusOr<PidFile> file = PidFile::Write(path_);
  ASSERT_EQ(file.status(), absl::OkStatus());
  EXPECT_EQ(file->path(), path_);
  EXPECT_EQ(Content(), Own());
  EXPECT_EQ(FilesInDirectory(), 1u) << "the temporary file is gone";
  struct stat info;
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0444, 0444u);
}

TEST_F(PidFileTest, IsRemovedAtTheEnd) {
  { const absl::StatusOr<PidFile> file = PidFile::Write(path_); }
  EXPECT_FALSE(Exists());
}

TEST_F(PidFileTest, IsRemovedOnce) {
  absl::StatusOr<PidFile> file = PidFile::Write(path_);
  file->Remove();
  EXPECT_FALSE(Exists());
  Put(Own());
  file->Remove();
  EXPECT_TRUE(Exists());
}

TEST_F(PidFileTest, StaysWhenItHoldsAnotherId) {
  {
    const absl::StatusOr<PidFile> file = PidFile::Write(path_);
    Put("1\n");
  }
  EXPECT_EQ(Content(), "1\n");
}

TEST_F(PidFileTest, AForkedChildDoesNotRemoveIt) {
  std::optional<PidFile> file = *PidFile::Write(path_);
  const pid_t child = ::fork();
  if (child == 0) {
    file.reset();
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(Content(), Own());
}

TEST_F(PidFileTest, WithAnotherPathTheOldFileIsRemoved) {
  PidFile file = *PidFile::Write(path_);
  file = *PidFile::Write(directory_ + "/new.pid");
  EXPECT_FALSE(Exists());
  EXPECT_EQ(FilesInDirectory(), 1u);
  file = PidFile();
  EXPECT_EQ(FilesInDirectory(), 0u);
}

TEST_F(PidFileTest, WithTheSamePathItStays) {
  PidFile file = *PidFile::Write(path_);
  file = *PidFile::Write(path_);
  EXPECT_EQ(Content(), Own());
}

TEST_F(PidFileTest, ALiveWindlassdIsNotReplaced) {
  const NamedProcess other("windlassd");
  Put(absl::StrCat(other.pid(), "\n"));
  const absl::Status status = PidFile::Write(path_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(
      status.message(),
      absl::StrCat("pid file ", path_, ": another windlassd is running, process ", other.pid()));
  EXPECT_EQ(Content(), absl::StrCat(other.pid(), "\n"));
}

TEST_F(PidFileTest, ALiveProcessThatIsSomethingElseIsReplaced) {
  const NamedProcess other("wl-worker-0");
  Put(absl::StrCat(other.pid(), "\n"));
  EXPECT_EQ(PidFile::Write(path_).status(), absl::OkStatus());
}

TEST_F(PidFileTest, AProcessThatIsGoneIsReplaced) {
  pid_t gone;
  {
    const NamedProcess other("windlassd");
    gone = other.pid();
  }
  Put(absl::StrCat(gone, "\n"));
  const absl::StatusOr<PidFile> file = PidFile::Write(path_);
  ASSERT_EQ(file.status(), absl::OkStatus());
  EXPECT_EQ(Content(), Own());
}

TEST_F(PidFileTest, OurOwnIdIsReplaced) {
  Put(Own());
  EXPECT_EQ(PidFile::Write(path_).status(), absl::OkStatus()) << "as after a binary upgrade";
}

TEST_F(PidFileTest, AnEmptyFileIsReplaced) {
  Put("");
  EXPECT_EQ(PidFile::Write(path_).status(), absl::OkStatus());
}

TEST_F(PidFileTest, WhatIsNoPidFileIsNotReplaced) {
  for (const std::string& content :
       {std::string("root:x:0:0\n"), std::string(100, '7'), std::string("12 34\n"),
        std::string("99999999999\n"), std::string("-1\n")}) {
    Put(content);
    const absl::Status status = PidFile::Write(path_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(
        status.message(),
        absl::StrCat("pid file ", path_, ": is there and holds something else than a process id"));
    EXPECT_EQ(Content(), content);
  }
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_EQ(PidFile::Write(path_).status().message(),
            absl::StrCat("pid file ", path_, ": is there and is no file"));
}

TEST_F(PidFileTest, SaysWhyItCannotBeWritten) {
  const std::string path = directory_ + "/no/w.pid";
  const absl::Status status = PidFile::Write(path).status();
  EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("pid file ", path)))
      << status.message();
  EXPECT_TRUE(absl::StrContains(status.message(), "No such file or directory"));
}

}  // namespace
}  // namespace windlass
