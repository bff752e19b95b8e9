#include "master/death_log.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

Death DeathOf(pid_t pid) {
  Death death;
  death.pid = pid;
  death.role = "pool";
  death.text = "was killed by SIGSEGV";
  return death;
}

TEST(DeathLog, IsEmptyWhileNobodyHasDied) {
  const DeathLog log;
  EXPECT_TRUE(log.latest().empty());
  EXPECT_EQ(log.total(), 0u);
}

TEST(DeathLog, TellsTheLatestDeathsInTheirOrder) {
  DeathLog log;
  for (pid_t pid : {3, 1, 2}) log.Add(DeathOf(pid));
  ASSERT_EQ(log.latest().size(), 3u);
  EXPECT_EQ(log.latest()[0].pid, 3);
  EXPECT_EQ(log.latest()[2].pid, 2);
  EXPECT_EQ(log.latest()[2].text, "was killed by SIGSEGV");
  EXPECT_EQ(log.total(), 3u);
}

TEST(DeathLog, ForgetsTheOldestButCountsAll) {
  DeathLog log;
  constexpr int kDeaths = static_cast<int>(DeathLog::kKept) * 40;
  for (int pid = 1; pid <= kDeaths; ++pid) {
    log.Add(DeathOf(pid));
    ASSERT_LE(log.latest().size(), DeathLog::kKept);
  }
  EXPECT_EQ(log.latest().size(), DeathLog::kKept);
  EXPECT_EQ(log.latest().front().pid, kDeaths - static_cast<int>(DeathLog::kKept) + 1);
  EXPECT_EQ(log.latest().back().pid, kDeaths);
  EXPECT_EQ(log.total(), static_cast<uint64_t>(kDeaths));
}

TEST(DeathLog, CountsDeathsByTheirCauseAndNoOthers) {
  DeathLog log;
  Death death = DeathOf(1);
  death.cause = EndCause::kSignal;
  log.Add(death);
  log.Add(death);
  death.cause = EndCause::kUnknown;
  log.Add(death);
  death.is_expected = true;
  log.Add(death);
  EXPECT_EQ(log.CountOf(EndCause::kSignal), 2u);
  EXPECT_EQ(log.CountOf(EndCause::kUnknown), 1u);
  EXPECT_EQ(log.CountOf(EndCause::kExit), 0u);
  EXPECT_EQ(log.total(), 3u);
}

TEST(DeathLog, CountsOnWhereAFormerMasterStopped) {
  DeathLog log;
  log.SetTotal(1000);
  log.Add(DeathOf(1));
  EXPECT_EQ(log.total(), 1001u);
  EXPECT_EQ(log.latest().size(), 1u);
}

}  // namespace
}  // namespace windlass
