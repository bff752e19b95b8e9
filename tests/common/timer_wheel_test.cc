#include "common/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/common/fake_timers.h"

namespace windlass {
namespace {

TEST(TimerWheel, FiresOnceAtMostOneTickAfterTheDeadline) {
  Timers timers;
  const size_t timer = timers.Add();
  timers.ArmIn(timer, 100 * kMs);
  EXPECT_EQ(timers.AdvanceBy(100 * kMs - 1), Fired{});
  EXPECT_EQ(timers.AdvanceBy(1 + kTick), Fired{timer});
  EXPECT_EQ(timers.AdvanceBy(kHour), Fired{});
}

TEST(TimerWheel, ADeadlineOnATickFiresAtThatVeryInstant) {
  Timers timers(0);
  const size_t timer = timers.Add();
  timers.ArmAt(timer, Instant{25 * kTick});
  EXPECT_EQ(timers.AdvanceTo(Instant{25 * kTick - 1}), Fired{});
  EXPECT_EQ(timers.AdvanceTo(Instant{25 * kTick}), Fired{timer});
}

TEST(TimerWheel, ADeadlineInThePastFiresAtTheNextTick) {
  Timers timers(kHour);
  const size_t past = timers.Add(), present = timers.Add();
  timers.ArmAt(past, Instant{5});
  timers.ArmIn(present, 0);
  EXPECT_EQ(timers.AdvanceBy(kTick), (Fired{past, present}));
}

TEST(TimerWheel, TimersFireInTheOrderOfTheirTicks) {
  Timers timers;
  const size_t later = timers.Add(), sooner = timers.Add(), last = timers.Add();
  timers.ArmIn(later, 2 * kSecond);
  timers.ArmIn(sooner, 20 * kMs);
  timers.ArmIn(last, 2 * kHour);
  EXPECT_EQ(timers.AdvanceBy(3 * kHour), (Fired{sooner, later, last}));
}

TEST(TimerWheel, ATimerSaysWhetherItIsArmedAndForWhen) {
  Timers timers;
  const size_t timer = timers.Add();
  EXPECT_FALSE(timers.Get(timer).armed());
  EXPECT_EQ(timers.Get(timer).deadline(), Instant::Never());
  timers.ArmAt(timer, Instant{kHour + 7});
  EXPECT_TRUE(timers.Get(timer).armed());
  EXPECT_EQ(timers.Get(timer).deadline(), Instant{kHour + 7});
  timers.Disarm(timer);
  EXPECT_FALSE(timers.Get(timer).armed());
  EXPECT_EQ(timers.Get(timer).deadline(), Instant::Never());
}

TEST(TimerWheel, ADisarmedTimerDoesNotFireAndMayBeDisarmedAgain) {
  Timers timers;
  const size_t timer = timers.Add();
  timers.ArmIn(timer, kSecond);
  timers.Disarm(timer);
  timers.Disarm(timer);
  EXPECT_EQ(timers.AdvanceBy(kHour), Fired{});
}

TEST(TimerWheel, ADestroyedTimerDoesNotFire) {
  Timers timers;
  const size_t timer = timers.Add(), other = timers.Add();
  timers.ArmIn(timer, kSecond);
  timers.ArmIn(other, kSecond);
  timers.Destroy(timer);
  EXPECT_EQ(timers.AdvanceBy(2 * kSecond), Fired{other});
}

TEST(TimerWheel, AMovedTimerFiresAtItsNewDeadlineOnly) {
  Timers timers;
  const size_t sooner = timers.Add(), later = timers.Add();
  timers.ArmIn(sooner, kHour);
  timers.ArmIn(sooner, kSecond);
  timers.ArmIn(later, kSecond);
  timers.ArmIn(later, kHour);
  EXPECT_EQ(timers.AdvanceBy(2 * kSecond), Fired{sooner});
  EXPECT_EQ(timers.AdvanceBy(kHour), Fired{later});
}

TEST(TimerWheel, DisarmsItsTimersWhenItGoes) {
  Timers owner;
  Timer timer(&owner);
  {
    TimerWheel wheel(Instant{0});
    wheel.Arm(&timer, Instant{kHour});
    EXPECT_TRUE(timer.armed());
  }
  EXPECT_FALSE(timer.armed());
}

// Every place where a timer changes level, and one tick beside it, from a wheel that stands
// somewhere in its round.
TEST(TimerWheel, DeadlinesAtEveryBoundaryOfALevelAreNeverEarlyAndAtMostATickLate) {
  for (const int64_t start : {int64_t{0}, int64_t{1}, 255 * kTick, 256 * kTick - 1, 16383 * kTick,
                              (int64_t{1} << 20) * kTick - kTick, 3 * kHour + 17}) {
    for (const int shift : {0, 8, 14, 20}) {
      for (const int64_t beside : {-kTick, int64_t{-1}, int64_t{0}, int64_t{1}, kTick}) {
        Timers timers(start);
        const size_t timer = timers.Add();
        const int64_t deadline = start + (int64_t{1} << shift) * kTick + beside;
        timers.ArmAt(timer, Instant{deadline});
        if (deadline > start) {
          ASSERT_EQ(timers.AdvanceTo(Instant{deadline - 1}), Fired{})
              << start << " " << shift << " " << beside;
        }
        ASSERT_EQ(timers.AdvanceTo(Instant{std::max(start, deadline) + kTick}), Fired{timer})
            << start << " " << shift << " " << beside;
      }
    }
  }
}

TEST(TimerWheel, DeadlinesOfHoursAndDaysAreKept) {
  Timers timers;
  Reference reference;
  const std::vector<int64_t> hours = {1,  2,  23, 24,  77,
                                      78, 79, 80, 100, 200};  // the wheel spans 78
  for (const int64_t hour : hours) {
    const size_t timer = timers.Add();
    timers.ArmIn(timer, hour * kHour);
    reference.Arm(timer, Instant{timers.now().ns + hour * kHour});
  }
  while (!reference.empty()) {
    const Fired early = timers.AdvanceTo(Instant{reference.Earliest().ns - 1});
    reference.Check(early, timers.now());
    const Fired due = timers.AdvanceBy(kTick + 1);
    reference.Check(due, timers.now());
    ASSERT_FALSE(HasFatalFailure());
  }
}

TEST(TimerWheel, NeverDoesNotCome) {
  Timers timers;
  const size_t never = timers.Add(), almost = timers.Add();
  timers.ArmAt(never, Instant::Never());
  timers.ArmAt(almost, Instant{INT64_MAX - 1});
  EXPECT_EQ(timers.AdvanceBy(90 * kHour), Fired{});
  EXPECT_TRUE(timers.Get(never).armed());
  EXPECT_EQ(timers.Get(almost).deadline(), Instant{INT64_MAX - 1});
}

// --- From OnTimer
// ----------------------------------------------------------------------------------------------------

TEST(TimerWheel, AnOwnerMayArmTheTimerAgainForAFixedPeriod) {
  Timers timers;
  const size_t timer = timers.Add();
  int count = 0;
  timers.on_fire = [&](size_t) {
    if (++count < 5) timers.ArmIn(timer, kSecond);
  };
  timers.ArmIn(timer, kSecond);
  for (int i = 0; i < 10; ++i) timers.AdvanceBy(kSecond + kTick);
  EXPECT_EQ(count, 5);
}

TEST(TimerWheel, AnOwnerThatArmsForNowDoesNotKeepAdvanceFromReturning) {
  Timers timers;
  const size_t timer = timers.Add();
  int count = 0;
  timers.on_fire = [&](size_t) {
    ++count;
    timers.ArmIn(timer, 0);
  };
  timers.ArmIn(timer, 0);
  for (int i = 0; i < 10; ++i) timers.AdvanceBy(kTick);
  EXPECT_EQ(count, 10);
}

TEST(TimerWheel, AnOwnerMayDestroyTheTimerThatFired) {
  Timers timers;
  const size_t timer = timers.Add(), other = timers.Add();
  timers.on_fire = [&](size_t fired) { timers.Destroy(fired); };
  timers.ArmIn(timer, kSecond);
  timers.ArmIn(other, kSecond);
  EXPECT_EQ(timers.AdvanceBy(2 * kSecond), (Fired{timer, other}));
}

TEST(TimerWheel, AnOwnerMayDestroyDisarmOrMoveOthersThatAreDueAtTheSameTick) {
  Timers timers;
  const size_t first = timers.Add(), destroyed = timers.Add(), disarmed = timers.Add(),
               moved = timers.Add(), last = timers.Add();
  for (size_t timer = first; timer <= last; ++timer) timers.ArmIn(timer, kSecond);
  timers.on_fire = [&](size_t fired) {
    if (fired != first) return;
    timers.Destroy(destroyed);
    timers.Disarm(disarmed);
    timers.ArmIn(moved, kSecond);
  };
  EXPECT_EQ(timers.AdvanceBy(kSecond + kTick), (Fired{first, last}));
  EXPECT_EQ(timers.AdvanceBy(kSecond + kTick), Fired{moved});
}

// --- Sleeping
// --------------------------------------------------------------------------------------------------------

TEST(TimerWheel, WithNothingArmedALoopMaySleepWithoutEnd) {
  Timers timers;
  EXPECT_EQ(timers.SleepMs(), -1);
  const size_t timer = timers.Add();
  timers.ArmIn(timer, kSecond);
  EXPECT_GE(timers.SleepMs(), 0);
  EXPECT_EQ(timers.AdvanceBy(kSecond + kTick), Fired{timer});
  EXPECT_EQ(timers.SleepMs(), -1);
}

TEST(TimerWheel, AfterTheLastTimerIsDisarmedALoopWakesAtMostOnceMore) {
  Timers timers;
  const size_t timer = timers.Add();
  timers.ArmIn(timer, kHour);
  timers.Disarm(timer);
  if (timers.SleepMs() != -1) {
    EXPECT_EQ(timers.SleepOnce(), Fired{});
  }
  EXPECT_EQ(timers.SleepMs(), -1);
}

TEST(TimerWheel, ATimerThatIsDueLeavesNoTimeToSleep) {
  Timers timers;
  timers.ArmIn(timers.Add(), kSecond);
  EXPECT_EQ(timers.AdvanceBy(kSecond / 2), Fired{});
  int sleeps = 0;
  while (timers.SleepMs() >= 0 && timers.SleepOnce().empty()) ASSERT_LT(++sleeps, 10);
  EXPECT_LE(timers.now().ns, 12345 + kSecond + kTick + kMs);
}

// A sleep is in whole milliseconds rounded up, a timer fires at the tick after its deadline:
// nothing else may be added.
TEST(TimerWheel, ASleepEndsAtMostATickAndTheRoundingAfterTheEarliestDeadline) {
  std::mt19937_64 random(404);
  for (int round = 0; round < 3000; ++round) {
    Timers timers(static_cast<int64_t>(random() % (1000 * kSecond)));
    int64_t earliest = INT64_MAX;
    for (int i = 0; i < 3; ++i) {
      const int64_t in = static_cast<int64_t>(random() % (uint64_t{1} << (20 + random() % 20)));
      timers.ArmIn(timers.Add(), in);
      earliest = std::min(earliest, timers.now().ns + in);
    }
    const int64_t ends = timers.now().ns + timers.SleepMs() * kMs;
    ASSERT_GE(timers.SleepMs(), 0);
    ASSERT_LE(ends, earliest + kTick + kMs);
  }
}

TEST(TimerWheel, ALoopThatSleepsAsToldFiresInTimeAndWakesAboutOncePerSecond) {
  Timers timers;
  const size_t timer = timers.Add();
  const int64_t deadline = timers.now().ns + kHour;
  timers.ArmAt(timer, Instant{deadline});
  int turns = 0;
  while (timers.Get(timer).armed()) {
    timers.SleepOnce();
    ASSERT_LT(++turns, 4000);
  }
  EXPECT_GE(timers.now().ns, deadline);
  EXPECT_LE(timers.now().ns, deadline + kTick + kMs);
}

// --- Against the reference
// -------------------------------------------------------------------------------------------

// Spans from a tick to days, and the neighbourhood of every level's boundary.
int64_t AnySpan(std::mt19937_64* random) {
  switch ((*random)() % 4) {
    case 0:
      return static_cast<int64_t>((*random)() % (50 * kMs));
    case 1:
      return static_cast<int64_t>((*random)() % (uint64_t{1} << (22 + (*random)() % 27)));
    case 2: {
      constexpr int kShifts[] = {0, 8, 14, 20, 26};
      const int64_t boundary = kTick << kShifts[(*random)() % 5];
      return boundary + static_cast<int64_t>((*random)() % 5) * kTick - 2 * kTick;
    }
    default:
      return static_cast<int64_t>((*random)() % (10 * kSecond));
  }
}

void RunAgainstReference(uint64_t seed, int steps) {
  std::mt19937_64 random(seed);
  Timers timers(static_cast<int64_t>(random() % (500 * kHour)));
  Reference reference;
  for (int i = 0; i < 40; ++i) timers.Add();
  for (int step = 0; step < steps; ++step) {
    const size_t timer = random() % 40;
    const uint64_t what = random() % 10;
    if (what < 5) {
      const Instant deadline = random() % 20 == 0
                                   ? Instant::Never()
                                   : Instant{timers.now().ns + AnySpan(&random) - kTick};
      timers.ArmAt(timer, deadline);
      reference.Arm(timer, std::max(deadline, timers.now()));  // one in the past is due from now on
    } else if (what == 5) {
      timers.Disarm(timer);
      reference.Disarm(timer);
    } else if (what < 8) {
      const int sleep_ms = timers.SleepMs();
      if (!reference.empty()) {
        ASSERT_GE(sleep_ms, 0) << "seed " << seed << " step " << step;
        ASSERT_LE(timers.now().ns + sleep_ms * kMs - kTick - kMs,
                  std::max(timers.now(), reference.Earliest()).ns);
      }
      const Fired fired = timers.AdvanceBy(std::max(sleep_ms, 0) * kMs);
      reference.Check(fired, timers.now());
    } else {
      // Days only now and then: every tick of them is walked.
      int64_t span = AnySpan(&random);
      if (random() % 20 != 0) span %= 100 * kSecond;
      const Fired fired = timers.AdvanceBy(std::max<int64_t>(span, 0));
      reference.Check(fired, timers.now());
    }
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed << " step " << step;
  }
}

TEST(TimerWheel, AgreesWithTheReferenceOverGeneratedSequences) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    RunAgainstReference(seed, 500);
    if (HasFatalFailure()) return;
  }
}

// --- Cost
// ------------------------------------------------------------------------------------------------------------

// A million and a half operations on 100,000 timers. Anything that walks them for each would take
// hours.
TEST(TimerWheel, AHundredThousandTimersAreArmedMovedAndDisarmedCheaply) {
  constexpr size_t kMany = 100'000;
  Timers timers;
  for (size_t i = 0; i < kMany; ++i) timers.Add();
  std::mt19937_64 random(5);
  const Instant before = MonotonicNow();
  for (int round = 0; round < 10; ++round) {
    for (size_t i = 0; i < kMany; ++i) {
      timers.ArmIn(i, static_cast<int64_t>(random() % (300 * kSecond)));
      ASSERT_GE(timers.SleepMs(), 0);
    }
  }
  for (size_t i = 0; i < kMany; i += 2) timers.Disarm(i);
  EXPECT_EQ(timers.AdvanceBy(301 * kSecond).size(), kMany / 2);
  EXPECT_LT(MonotonicNow() - before, absl::Seconds(20));
}

}  // namespace
}  // namespace windlass
