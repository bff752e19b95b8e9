#include "master/kill_ladder.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

using Step = KillLadder::Step;

constexpr Instant At(int64_t ms) { return Instant{ms * 1'000'000}; }

SlowAfter Share(int percent) { return SlowAfter{true, percent, absl::InfiniteDuration()}; }
SlowAfter After(absl::Duration duration) { return SlowAfter{false, 0, duration}; }

// Started at 1 s, to end by 3 s.
constexpr KillLadder::Job kJob{17, At(1000), At(3000)};

TEST(KillLadder, AProcessWithoutAJobIsLeftAlone) {
  KillLadder ladder;
  EXPECT_EQ(ladder.Next(KillLadder::Job(), Share(50), At(1'000'000)), Step::kNone);
}

TEST(KillLadder, AJobClimbsItRungByRung) {
  KillLadder ladder;
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(1999)), Step::kNone);
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(2000)), Step::kSampleSlow);
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(2999)), Step::kNone);
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(3000)), Step::kSampleLate);
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(3499)), Step::kNone);
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(3500)), Step::kKill);
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(3600)), Step::kKill);
}

TEST(KillLadder, ItIsAskedWhereItIsBeforeItIsKilledHoweverLateWeLook) {
  KillLadder ladder;
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(9000)), Step::kSampleLate);
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(9050)), Step::kNone);
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(9100)), Step::kKill);
}

TEST(KillLadder, TheNextJobStartsAtTheBottom) {
  KillLadder ladder;
  EXPECT_EQ(ladder.Next(kJob, Share(50), At(3000)), Step::kSampleLate);
  const KillLadder::Job next{18, At(3400), At(5400)};
  EXPECT_EQ(ladder.Next(next, Share(50), At(4000)), Step::kNone);
  EXPECT_EQ(ladder.Next(next, Share(50), At(4400)), Step::kSampleSlow);
}

TEST(KillLadder, AJobWithoutADeadlineIsNeverKilled) {
  KillLadder ladder;
  const KillLadder::Job endless{17, At(1000), Instant::Never()};
  EXPECT_EQ(ladder.Next(endless, Share(50), At(1'000'000'000)), Step::kNone);
  EXPECT_EQ(ladder.Next(endless, After(absl::Seconds(1)), At(2000)), Step::kSampleSlow);
  EXPECT_EQ(ladder.Next(endless, After(absl::Seconds(1)), At(1'000'000'000)), Step::kNone);
}

TEST(SlowFrom, IsAShareOfTheTimeThatTheJobHasOrATime) {
  EXPECT_EQ(SlowFrom(At(1000), At(3000), Share(25)), At(1500));
  EXPECT_EQ(SlowFrom(At(1000), At(3000), After(absl::Milliseconds(10))), At(1010));
  EXPECT_EQ(SlowFrom(At(1000), At(3000), After(absl::InfiniteDuration())), Instant::Never());
  EXPECT_EQ(SlowFrom(At(1000), Instant::Never(), Share(25)), Instant::Never());
}

}  // namespace
}  // namespace windlass
