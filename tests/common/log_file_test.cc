#include "common/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/log.h"

// A process has one log, so every test speaks in children of its own.

namespace windlass {
namespace {

using Lines = std::vector<std::string>;

class LogFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "log_file_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/w.log";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static pid_t Start(const std::function<int()>& body) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::unsetenv("JOURNAL_STREAM");
    ::alarm(30);  // a log that blocks fails the test instead of hanging it
    ::_exit(body());
  }
  static int ExitCode(pid_t pid) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    return WEXITSTATUS(status);
  }
  static int InChild(const std::function<int()>& body) { return ExitCode(Start(body)); }

  // The lines of a file without what is in front of the message.
  static Lines Messages(const std::string& path) {
    Lines messages;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      const size_t end = line.find("] ");
      messages.push_back(end == std::string::npos ? line : line.substr(end + 2));
    }
    return messages;
  }
  static std::string Content(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
  }

  std::string directory_, path_;
};

TEST_F(LogFileTest, OnlyLinesAfterTheSwitchGoToTheFile) {
  EXPECT_EQ(InChild([this] {
              InitLog("master", LogLevel::INFO);
              LOG(INFO) << "to stderr";
              SetLogFd(*OpenLogFile(path_));
              LOG(INFO) << "one";
              LOG(INFO) << "two";
              return static_cast<int>(LogLinesDropped());
            }),
            0);
  EXPECT_EQ(Messages(path_), (Lines{"one", "two"}));
}

TEST_F(LogFileTest, AFileThatIsThereIsAppendedTo) {
  std::ofstream(path_) << "before\n";
  InChild([this] {
    InitLog("master", LogLevel::INFO);
    SetLogFd(*OpenLogFile(path_));
    LOG(INFO) << "after";
    return 0;
  });
  EXPECT_EQ(Messages(path_), (Lines{"before", "after"}));
}

TEST_F(LogFileTest, ANewFileIsReadByItsGroupAndByNobodyElse) {
  EXPECT_EQ(InChild([this] {
              ::umask(0);
              return OpenLogFile(path_).ok() ? 0 : 1;
            }),
            0);
  struct stat info;
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(LogFileTest, TheDescriptorIsNotInheritedByOtherPrograms) {
  EXPECT_NE(::fcntl(OpenLogFile(path_)->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(LogFileTest, AFileThatWasRenamedIsOpenedAnew) {
  const std::string old = path_ + ".1";
  InChild([&] {
    InitLog("master", LogLevel::INFO);
    SetLogFd(*OpenLogFile(path_));
    LOG(INFO) << "one";
    std::filesystem::rename(path_, old);
    LOG(INFO) << "two";
    SetLogFd(*OpenLogFile(path_));
    LOG(INFO) << "three";
    return 0;
  });
  EXPECT_EQ(Messages(old), (Lines{"one", "two"}));
  EXPECT_EQ(Messages(path_), (Lines{"three"}));
}

TEST_F(LogFileTest, TheOldDescriptorIsClosed) {
  EXPECT_EQ(InChild([this] {
              InitLog("master", LogLevel::INFO);
              SetLogFd(*OpenLogFile(path_));
              const int first = LogFd();
              SetLogFd(*OpenLogFile(path_));
              return LogFd() != first && ::fcntl(first, F_GETFD) < 0 ? 0 : 1;
            }),
            0);
}

TEST_F(LogFileTest, AForkedChildGoesOnThereInItsOwnRole) {
  InChild([this] {
    InitLog("master", LogLevel::INFO);
    SetLogFd(*OpenLogFile(path_));
    LOG(INFO) << "from the master";
    return InChild([] {
      InitLog("worker-0", LogLevel::INFO);
      LOG(INFO) << "from the worker";
      return 0;
    });
  });
  EXPECT_EQ(Messages(path_), (Lines{"from the master", "from the worker"}));
  EXPECT_TRUE(absl::StrContains(Content(path_), " info worker-0["));
}

TEST_F(LogFileTest, AChildThatKeepsTheDescriptorAloneStillSpeaks) {
  InChild([this] {
    InitLog("master", LogLevel::INFO);
    SetLogFd(*OpenLogFile(path_));
    for (int fd = 3; fd < 64; ++fd) {
      if (fd != LogFd()) ::close(fd);
    }
    InitLog("pool-1", LogLevel::INFO);
    LOG(INFO) << "ready";
    return 0;
  });
  EXPECT_EQ(Messages(path_), (Lines{"ready"}));
}

TEST_F(LogFileTest, LinesOfManyProcessesDoNotMix) {
  constexpr int kProcesses = 4, kLines = 500;
  const std::string filler(200, '.');
  std::vector<pid_t> speakers;
  for (int process = 0; process < kProcesses; ++process) {
    speakers.push_back(Start([&, process] {
      InitLog("worker", LogLevel::INFO);
      SetLogFd(*OpenLogFile(path_));
      for (int i = 0; i < kLines; ++i) LOG(INFO) << process << filler << i;
      return static_cast<int>(LogLinesDropped());
    }));
  }
  for (const pid_t speaker : speakers) EXPECT_EQ(ExitCode(speaker), 0);
  std::vector<int> next(kProcesses, 0);
  for (const std::string& message : Messages(path_)) {
    const size_t process = static_cast<size_t>(message[0] - '0');
    ASSERT_LT(process, next.size()) << message;
    ASSERT_EQ(message, absl::StrCat(process, filler, next[process]++));
  }
  EXPECT_EQ(next, std::vector<int>(kProcesses, kLines));
}

TEST_F(LogFileTest, LinesInAFileHaveATimeAlsoUnderSystemd) {
  InChild([this] {
    struct stat info;
    ::fstat(2, &info);
    const std::string journal = absl::StrCat(info.st_dev, ":", info.st_ino);
    ::setenv("JOURNAL_STREAM", journal.c_str(), 1);
    InitLog("master", LogLevel::INFO);
    SetLogFd(*OpenLogFile(path_));
    LOG(INFO) << "a";
    InitLog("worker-0", LogLevel::INFO);
    LOG(INFO) << "b";
    return 0;
  });
  for (const absl::string_view line : absl::StrSplit(Content(path_), '\n', absl::SkipEmpty())) {
    EXPECT_TRUE(absl::StartsWith(line, "20")) << line;
    EXPECT_TRUE(absl::StrContains(line, "Z info ")) << line;
  }
}

TEST_F(LogFileTest, BackOnTheJournalLinesHaveAPriorityAgain) {
  const std::string journal = directory_ + "/journal";
  InChild([&] {
    const OwnedFd fd(::open(journal.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
    ::dup2(fd.get(), 2);
    struct stat info;
    ::fstat(2, &info);
    ::setenv("JOURNAL_STREAM", absl::StrCat(info.st_dev, ":", info.st_ino).c_str(), 1);
    InitLog("master", LogLevel::INFO);
    SetLogFd(*OpenLogFile(path_));
    LOG(INFO) << "to the file";
    SetLogFd(OwnedFd(::dup(2)));
    LOG(INFO) << "to the journal";
    return 0;
  });
  EXPECT_TRUE(absl::StartsWith(Content(journal), "<6>master[")) << Content(journal);
  EXPECT_EQ(Messages(journal), (Lines{"to the journal"}));
}

TEST_F(LogFileTest, AFullDiskDropsLinesAndCountsThem) {
  EXPECT_EQ(InChild([] {
              InitLog("master", LogLevel::INFO);
              SetLogFd(*OpenLogFile("/dev/full"));
              for (int i = 0; i < 5; ++i) LOG(INFO) << "line";
              return static_cast<int>(LogLinesDropped());
            }),
            5);
}

TEST_F(LogFileTest, WhatTheDiskTookOfALineIsNotGluedToTheNext) {
  EXPECT_EQ(InChild([this] {
              InitLog("master", LogLevel::INFO);
              SetLogFd(*OpenLogFile(path_));
              ::signal(SIGXFSZ, SIG_IGN);
              rlimit limit;
              ::getrlimit(RLIMIT_FSIZE, &limit);
              limit.rlim_cur = 20;
              ::setrlimit(RLIMIT_FSIZE, &limit);
              LOG(INFO) << "torn";
              LOG(INFO) << "lost";
              limit.rlim_cur = limit.rlim_max;
              ::setrlimit(RLIMIT_FSIZE, &limit);
              LOG(INFO) << "whole";
              return static_cast<int>(LogLinesDropped());
            }),
            2);
  const Lines messages = Messages(path_);
  ASSERT_EQ(messages.size(), 3u) << Content(path_);
  EXPECT_EQ(messages[0].size(), 20u);
  EXPECT_EQ(messages[1], "2 log lines dropped: sink blocked");
  EXPECT_EQ(messages[2], "whole");
}

TEST_F(LogFileTest, APipeThatNobodyEmptiesIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const OwnedFd reader(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  EXPECT_EQ(InChild([this] {
              InitLog("master", LogLevel::INFO);
              SetLogFd(*OpenLogFile(path_));
              for (int i = 0; i < 5000; ++i) LOG(INFO) << "line";
              return LogLinesDropped() > 0 ? 0 : 1;
            }),
            0);
}

TEST_F(LogFileTest, SaysWhichFileCannotBeOpenedAndWhy) {
  EXPECT_EQ(OpenLogFile(directory_ + "/no/w.log").status().message(),
            absl::StrCat("log file ", directory_, "/no/w.log: No such file or directory"));
  EXPECT_EQ(OpenLogFile(directory_).status().message(),
            absl::StrCat("log file ", directory_, ": Is a directory"));
  EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(OpenLogFile(path_).status().message(),
            absl::StrCat("log file ", path_, ": No such device or address"))
      << "nobody reads it";
}

}  // namespace
}  // namespace windlass
