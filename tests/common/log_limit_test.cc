#include "common/log_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"

namespace windlass {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant kStart{5'000'000'000};

// A process has one log, so what is logged is said by a child. The messages alone.
std::vector<std::string> Messages(const std::function<void()>& body) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::unsetenv("JOURNAL_STREAM");
    ::dup2(ends[1], 2);
    InitLog("w", LogLevel::INFO);
    body();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char block[4096];
  for (ssize_t n; (n = ::read(ends[0], block, sizeof(block))) > 0;) {
    text.append(block, static_cast<size_t>(n));
  }
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);
  std::vector<std::string> messages;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    messages.emplace_back(line.substr(line.find("] ") + 2));
  }
  return messages;
}

void LogTimes(int times, LogLimit& limit, Instant now) {
  for (int i = 0; i < times; ++i) LOG_LIMITED(WARNING, limit, now) << "trouble " << i;
}

TEST(LogLimit, LetsAFewThroughThenOneASecond) {
  LogLimit limit;
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += limit.Allow(kStart) ? 1 : 0;
  EXPECT_EQ(allowed, 5);
  EXPECT_TRUE(limit.Allow(kStart + absl::Seconds(1)));
  EXPECT_FALSE(limit.Allow(kStart + absl::Milliseconds(1500)));
  EXPECT_TRUE(limit.Allow(kStart + absl::Seconds(3)));
  LogLimit::ForgetAll();
}

TEST(LogLimit, MayBeOfAnotherRate) {
  LogLimit limit{{.burst = 500, .per_second = 50}};
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) allowed += limit.Allow(kStart) ? 1 : 0;
  EXPECT_EQ(allowed, 500);
  for (int i = 0; i < 1000; ++i) allowed += limit.Allow(kStart + absl::Seconds(1)) ? 1 : 0;
  EXPECT_EQ(allowed, 550);
  LogLimit::ForgetAll();
}

TEST(LogLimit, TheNextLineSaysHowManyWereSwallowed) {
  EXPECT_THAT(Messages([] {
                LogLimit limit;
                LogTimes(100, limit, kStart);
                LogTimes(1, limit, kStart + absl::Seconds(1));
                LogTimes(1, limit, kStart + absl::Seconds(2));
              }),
              ElementsAre("trouble 0", "trouble 1", "trouble 2", "trouble 3", "trouble 4",
                          "trouble 0 (and 95 more like it)", "trouble 0"));
}

TEST(LogLimit, WhenNoLineFollowsWhatWasSwallowedIsToldOnceTheFloodIsOver) {
  EXPECT_THAT(Messages([] {
                LogLimit limit, silent;
                LogTimes(7, limit, kStart);
                LogTimes(5, silent, kStart);
                LogLimit::TellSwallowed(kStart + absl::Milliseconds(900));
                LOG(INFO) << "not yet";
                LogLimit::TellSwallowed(kStart + absl::Seconds(1));
                LogLimit::TellSwallowed(kStart + absl::Seconds(2));
              }).back(),
              "2 more lines were not logged that were like: trouble 4");
}

TEST(LogLimit, TellsWhatItSwallowedAtItsEnd) {
  EXPECT_EQ(Messages([] {
              LogLimit limit;
              LogTimes(6, limit, kStart);
            }).back(),
            "1 more lines were not logged that were like: trouble 4");
  EXPECT_EQ(Messages([] {
              LogLimit& limit = *new LogLimit;
              LogTimes(8, limit, kStart);
              LogLimit::TellAllSwallowed();
            }).back(),
            "3 more lines were not logged that were like: trouble 4");
}

TEST(LogLimit, AForkedChildSaysNothingOfItsParents) {
  EXPECT_THAT(Messages([] {
                LogLimit& limit = *new LogLimit;
                while (limit.Allow(kStart)) {
                }
                InitLog("child", LogLevel::INFO);
                LogLimit::TellAllSwallowed();
              }),
              IsEmpty());
}

TEST(LogLimit, LinesBelowTheLevelNeitherCountNorUseItUp) {
  EXPECT_THAT(Messages([] {
                const uint64_t before = LogLinesLimited();  // of the parent
                LogLimit limit;
                for (int i = 0; i < 100; ++i) LOG_LIMITED(DEBUG, limit, kStart) << "unheard";
                LogTimes(1, limit, kStart);
                LOG(INFO) << LogLinesLimited() - before;
              }),
              ElementsAre("trouble 0", "0"));
}

TEST(LogLimit, CountsWhatItSwallowsForThisProcessAndInTheWordsItWasGiven) {
  EXPECT_THAT(Messages([] {
                std::atomic<uint64_t> dropped{3}, limited{7};
                CountLogLinesIn(&dropped, &limited);
                const uint64_t before = LogLinesLimited();
                LogLimit limit;
                for (int i = 0; i < 9; ++i) (void)limit.Allow(kStart);
                LOG(INFO) << LogLinesLimited() - before << " " << limited << " " << dropped;
                LogLimit::ForgetAll();
              }),
              ElementsAre("4 11 3"));
}

}  // namespace
}  // namespace windlass
