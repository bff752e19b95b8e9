#include "common/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "windlass/owned_fd.h"

// A process has one log, so every test speaks in a child of its own, whose stderr is what the test
// reads.

namespace windlass {
namespace {

struct Spoken {
  std::string text;   // all of stderr
  int exit_code = 0;  // of the child
};

struct Stream {
  OwnedFd read_end, write_end;
};

Stream MakePipe() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

Stream MakeSocketPair() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

std::string ReadAll(int fd) {
  std::string text;
  char block[4096];
  for (ssize_t n; (n = ::read(fd, block, sizeof(block))) > 0;)
    text.append(block, static_cast<size_t>(n));
  return text;
}

// `body` runs with `stream` as stderr; nothing is read before it has ended.
Spoken SpeakInto(Stream stream, const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::unsetenv("JOURNAL_STREAM");
    ::dup2(stream.write_end.get(), 2);
    ::alarm(30);  // a log that blocks fails the test instead of hanging it
    ::_exit(body());
  }
  stream.write_end.Reset();
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  return {ReadAll(stream.read_end.get()), WEXITSTATUS(status)};
}

std::string Speak(const std::function<void()>& body) {
  return SpeakInto(MakePipe(),
                   [&body] {
                     body();
                     return 0;
                   })
      .text;
}

// Every digit as `d`.
std::string Shape(std::string text) {
  std::replace_if(text.begin(), text.end(), absl::ascii_isdigit, 'd');
  return text;
}

constexpr absl::string_view kTimeShape = "dddd-dd-ddTdd:dd:dd.dddZ ";

// Each line without the time in front and with N for the process id.
std::string Essence(const std::string& text) {
  std::string essence;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (absl::StartsWith(Shape(line), kTimeShape)) line.erase(0, kTimeShape.size());
    const size_t open = line.find('['), close = line.find(']');
    if (close != std::string::npos) line.replace(open + 1, close - open - 1, "N");
    absl::StrAppend(&essence, line, "\n");
  }
  return essence;
}

void FillStderr() {
  const int flags = ::fcntl(2, F_GETFL);
  ::fcntl(2, F_SETFL, flags | O_NONBLOCK);
  while (::write(2, "................................................................", 64) > 0) {
  }
  while (::write(2, ".", 1) > 0) {
  }
  ::fcntl(2, F_SETFL, flags);
}

void DrainNow(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  ReadAll(fd);
}

TEST(Log, ALineHasTimeLevelRoleProcessAndMessage) {
  const std::string text = Speak([] {
    InitLog("worker", LogLevel::INFO);
    LOG(INFO) << "listening on " << 7000;
  });
  EXPECT_EQ(Shape(text).substr(0, kTimeShape.size()), kTimeShape);
  EXPECT_EQ(Essence(text), "info worker[N] listening on 7000\n");
}

TEST(Log, ALineNamesTheProcessThatSpeaks) {
  pid_t* const spoke = static_cast<pid_t*>(
      ::mmap(nullptr, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const std::string text = Speak([spoke] {
    *spoke = ::getpid();
    InitLog("pool", LogLevel::INFO);
    LOG(INFO) << "ready";
  });
  EXPECT_NE(text.find(absl::StrCat("pool[", *spoke, "] ready")), std::string::npos) << text;
  ::munmap(spoke, sizeof(pid_t));
}

TEST(Log, EveryLevelHasItsName) {
  EXPECT_EQ(Essence(Speak([] {
              InitLog("w", LogLevel::DEBUG);
              LOG(DEBUG) << "a";
              LOG(INFO) << "b";
              LOG(WARNING) << "c";
              LOG(ERROR) << "d";
            })),
            "debug w[N] a\ninfo w[N] b\nwarning w[N] c\nerror w[N] d\n");
}

TEST(Log, LevelsBelowTheLeastAreNotPrinted) {
  EXPECT_EQ(Essence(Speak([] {
              InitLog("w", LogLevel::WARNING);
              LOG(DEBUG) << "a";
              LOG(INFO) << "b";
              LOG(WARNING) << "c";
            })),
            "warning w[N] c\n");
}

TEST(Log, TheLeastLevelMayChange) {
  EXPECT_EQ(Essence(Speak([] {
              InitLog("w", LogLevel::ERROR);
              LOG(INFO) << "before";
              SetLogLevel(LogLevel::INFO);
              LOG(INFO) << "after";
            })),
            "info w[N] after\n");
}

TEST(Log, ANoticeIsPrintedAtEveryLevel) {
  EXPECT_EQ(Essence(Speak([] {
              InitLog("w", LogLevel::ERROR);
              LOG(NOTICE) << "listening";
            })),
            "info w[N] listening\n");
}

TEST(Log, WhatIsNotPrintedIsNotEvaluated) {
  EXPECT_EQ(SpeakInto(MakePipe(),
                      [] {
                        InitLog("w", LogLevel::ERROR);
                        int evaluated = 0;
                        LOG(INFO) << ++evaluated;
                        return evaluated;
                      })
                .exit_code,
            0);
}

TEST(Log, LevelsHaveTheirNamesInTheConfiguration) {
  LogLevel level = LogLevel::FATAL;
  EXPECT_TRUE(ParseLogLevel("debug", &level));
  EXPECT_EQ(level, LogLevel::DEBUG);
  EXPECT_TRUE(ParseLogLevel("info", &level));
  EXPECT_EQ(level, LogLevel::INFO);
  EXPECT_TRUE(ParseLogLevel("warning", &level));
  EXPECT_EQ(level, LogLevel::WARNING);
  EXPECT_TRUE(ParseLogLevel("error", &level));
  EXPECT_EQ(level, LogLevel::ERROR);
}

TEST(Log, AnUnknownLevelChangesNothing) {
  for (const char* name : {"", "Info", "fatal", "notice", "information"}) {
    LogLevel level = LogLevel::WARNING;
    EXPECT_FALSE(ParseLogLevel(name, &level)) << name;
    EXPECT_EQ(level, LogLevel::WARNING) << name;
  }
}

TEST(Log, AMessageWithNewlinesIsOneLine) {
  EXPECT_EQ(Essence(Speak([] {
              InitLog("w", LogLevel::INFO);
              LOG(INFO) << "one\ntwo\r\nthree\n";
            })),
            "info w[N] one two  three \n");
}

TEST(Log, FormatCharactersAreNotInterpreted) {
  EXPECT_EQ(Essence(Speak([] {
              InitLog("w", LogLevel::INFO);
              LOG(INFO) << "{} {0} %v %s %";
            })),
            "info w[N] {} {0} %v %s %\n");
}

TEST(Log, AChildSpeaksInItsOwnRole) {
  EXPECT_EQ(Essence(Speak([] {
              InitLog("master", LogLevel::INFO);
              LOG(INFO) << "a";
              InitLog("worker 0", LogLevel::INFO);
              LOG(INFO) << "b";
            })),
            "info master[N] a\ninfo worker 0[N] b\n");
}

TEST(Log, UnderSystemdALineHasAPriorityAndNoTime) {
  EXPECT_EQ(Essence(Speak([] {
              struct stat info;
              ::fstat(2, &info);
              const std::string journal = absl::StrCat(info.st_dev, ":", info.st_ino);
              ::setenv("JOURNAL_STREAM", journal.c_str(), 1);
              InitLog("w", LogLevel::DEBUG);
              LOG(DEBUG) << "a";
              LOG(INFO) << "b";
              LOG(WARNING) << "c";
              LOG(ERROR) << "d";
            })),
            "<7>w[N] a\n<6>w[N] b\n<4>w[N] c\n<3>w[N] d\n");
}

TEST(Log, AStderrThatIsNotTheJournalIsNotTakenForIt) {
  EXPECT_EQ(Essence(Speak([] {
              ::setenv("JOURNAL_STREAM", "1:2", 1);
              InitLog("w", LogLevel::INFO);
              LOG(INFO) << "a";
            })),
            "info w[N] a\n");
}

TEST(Log, ABlockedPipeDropsLinesAndCountsThem) {
  const Spoken spoken = SpeakInto(MakePipe(), [] {
    FillStderr();
    InitLog("w", LogLevel::INFO);
    for (int i = 0; i < 5; ++i) LOG(INFO) << "line";
    return static_cast<int>(LogLinesDropped());
  });
  EXPECT_EQ(spoken.exit_code, 5);
  EXPECT_EQ(spoken.text.find("line"), std::string::npos);
}

TEST(Log, ABlockedSocketDropsLinesAndCountsThem) {
  EXPECT_EQ(SpeakInto(MakeSocketPair(),
                      [] {
                        FillStderr();
                        InitLog("w", LogLevel::INFO);
                        for (int i = 0; i < 5; ++i) LOG(INFO) << "line";
                        return static_cast<int>(LogLinesDropped());
                      })
                .exit_code,
            5);
}

TEST(Log, NoLineIsTornWhenAPipeFillsUp) {
  constexpr int kLines = 5000;
  const Spoken spoken = SpeakInto(MakePipe(), [] {
    InitLog("w", LogLevel::INFO);
    for (int i = 0; i < kLines; ++i) LOG(INFO) << "a line of some length " << i;
    return LogLinesDropped() > 0 && LogLinesDropped() < kLines ? 0 : 1;
  });
  EXPECT_EQ(spoken.exit_code, 0);
  const auto is_whole = [](const std::string& line) {
    const absl::string_view rest = absl::StripPrefix(line, "info w[N] a line of some length ");
    return (rest.size() < line.size() && absl::c_all_of(rest, absl::ascii_isdigit)) ||
           absl::EndsWith(line, " log lines dropped: sink blocked");
  };
  std::istringstream lines(Essence(spoken.text));
  for (std::string line; std::getline(lines, line);) ASSERT_TRUE(is_whole(line)) << line;
  EXPECT_EQ(spoken.text.back(), '\n');
}

TEST(Log, ADropIsReportedBeforeTheNextLineThatIsTaken) {
  Stream pipe = MakePipe();
  const int reader = pipe.read_end.get();  // the child has it too
  const Spoken spoken = SpeakInto(std::move(pipe), [reader] {
    FillStderr();
    InitLog("w", LogLevel::INFO);
    for (int i = 0; i < 3; ++i) LOG(INFO) << "lost";
    DrainNow(reader);
    LOG(INFO) << "taken";
    LOG(INFO) << "taken too";
    return 0;
  });
  EXPECT_EQ(
      Essence(spoken.text),
      "warning w[N] 3 log lines dropped: sink blocked\ninfo w[N] taken\ninfo w[N] taken too\n");
}

TEST(Log, NothingIsDroppedWhereThereIsRoom) {
  EXPECT_EQ(SpeakInto(MakePipe(),
                      [] {
                        InitLog("w", LogLevel::INFO);
                        LOG(INFO) << "a";
                        return static_cast<int>(LogLinesDropped());
                      })
                .exit_code,
            0);
}

// Other programs hold the same pipe, and did not ask for EAGAIN.
TEST(Log, StderrItselfStaysBlocking) {
  EXPECT_EQ(SpeakInto(MakePipe(),
                      [] {
                        InitLog("w", LogLevel::INFO);
                        LOG(INFO) << "a";
                        return (::fcntl(2, F_GETFL) & O_NONBLOCK) == 0 ? 0 : 1;
                      })
                .exit_code,
            0);
}

TEST(LogDeathTest, FatalSaysWhyAndAborts) {
  EXPECT_EXIT(LOG(FATAL) << "no way out", testing::KilledBySignal(SIGABRT),
              "critical windlass\\[[0-9]+\\] no way out");
}

TEST(LogDeathTest, AFailedCheckSaysWhereAndWhatAndWhy) {
  const int fd = -1;
  EXPECT_EXIT(CHECK(fd >= 0) << "no listener " << fd, testing::KilledBySignal(SIGABRT),
              "log_test.cc:[0-9]+: CHECK failed: fd >= 0 no listener -1");
}

TEST(LogDeathTest, FatalIsNeverFilteredOut) {
  EXPECT_EXIT(
      {
        SetLogLevel(LogLevel::FATAL);
        LOG(FATAL) << "still here";
      },
      testing::KilledBySignal(SIGABRT), "still here");
}

TEST(LogDeathTest, FatalDiesAlsoWhenNobodyReads) {
  EXPECT_EXIT(
      {
        const Stream pipe = MakePipe();
        ::dup2(pipe.write_end.get(), 2);
        ::alarm(30);
        FillStderr();
        LOG(FATAL) << "unheard";
      },
      testing::KilledBySignal(SIGABRT), "");
}

TEST(Log, ACheckThatHoldsEvaluatesItsConditionOnceAndItsMessageNever) {
  int conditions = 0, messages = 0;
  CHECK(++conditions == 1) << ++messages;
  EXPECT_EQ(conditions, 1);
  EXPECT_EQ(messages, 0);
}

}  // namespace
}  // namespace windlass
