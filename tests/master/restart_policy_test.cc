#include "master/restart_policy.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

TEST(RestartDelay, IsNoneForAProcessThatWasHealthy) {
  EXPECT_EQ(RestartDelay(0, {}), absl::ZeroDuration());
}

TEST(RestartDelay, DoublesFromTheSecondQuickDeathAndStopsAtTheCap) {
  const RestartPolicy policy;
  EXPECT_EQ(RestartDelay(1, policy), policy.first_delay);
  EXPECT_EQ(RestartDelay(2, policy), 2 * policy.first_delay);
  EXPECT_EQ(RestartDelay(5, policy), 16 * policy.first_delay);
  EXPECT_EQ(RestartDelay(30, policy), policy.max_delay);
  EXPECT_EQ(RestartDelay(1'000'000, policy), policy.max_delay);
}

TEST(SpawnRate, AllowsASecondsWorthAtOnceAndThenNoMoreThanThat) {
  Instant now{1'000'000'000};
  SpawnRate rate(10, now);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(rate.Take(now), absl::ZeroDuration()) << i;
  EXPECT_GT(rate.Take(now), absl::ZeroDuration());
  int made = 0;
  for (int ms = 1; ms <= 1000; ++ms)
    made += rate.Take(now + absl::Milliseconds(ms)) == absl::ZeroDuration() ? 1 : 0;
  EXPECT_GE(made, 9);
  EXPECT_LE(made, 10);
}

TEST(SpawnRate, SaysHowLongToWait) {
  const Instant now{1'000'000'000};
  SpawnRate rate(10, now);
  while (rate.Take(now) == absl::ZeroDuration()) {
  }
  const absl::Duration wait = rate.Take(now);
  EXPECT_EQ(rate.Take(now + wait + absl::Microseconds(1)), absl::ZeroDuration());
}

}  // namespace
}  // namespace windlass
