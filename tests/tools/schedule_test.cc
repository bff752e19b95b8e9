#include "tools/bench/schedule.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

constexpr Instant kStart{1'000'000'000};

Instant After(absl::Duration time) { return kStart + time; }

Schedule Make(std::optional<absl::Duration> duration, std::optional<uint64_t> requests,
              double rate) {
  BenchOptions options;
  options.duration = duration;
  options.requests = requests;
  options.rate = rate;
  return Schedule(options, kStart);
}

TEST(ClosedLoop, IsDueAtOnceUntilItsDurationEnds) {
  const Schedule schedule = Make(absl::Seconds(1), std::nullopt, 0);
  EXPECT_TRUE(schedule.IsDue(kStart));
  EXPECT_EQ(schedule.NextDue(After(absl::Milliseconds(5))), After(absl::Milliseconds(5)));
  EXPECT_TRUE(schedule.IsDue(After(absl::Milliseconds(999))));
  EXPECT_FALSE(schedule.HasMore(After(absl::Seconds(1))));
  EXPECT_EQ(schedule.Unissued(), 0u);
}

TEST(ClosedLoop, SendsItsNumberOfRequests) {
  Schedule schedule = Make(std::nullopt, 2, 0);
  schedule.Advance();
  EXPECT_TRUE(schedule.IsDue(After(absl::Hours(1))));
  EXPECT_EQ(schedule.Unissued(), 1u);
  schedule.Advance();
  EXPECT_FALSE(schedule.HasMore(kStart));
  EXPECT_EQ(schedule.Unissued(), 0u);
}

TEST(ClosedLoop, WithBothBoundsEndsAtTheFirstAndOwesNothing) {
  const Schedule schedule = Make(absl::Seconds(1), 100, 0);
  EXPECT_FALSE(schedule.HasMore(After(absl::Seconds(1))));
  EXPECT_EQ(schedule.Unissued(), 0u);
}

TEST(OpenLoop, RequestsAreDueAtFixedTimes) {
  Schedule schedule = Make(absl::Seconds(1), std::nullopt, 1000);
  EXPECT_TRUE(schedule.IsDue(kStart));
  schedule.Advance();
  EXPECT_FALSE(schedule.IsDue(After(absl::Microseconds(999))));
  EXPECT_TRUE(schedule.IsDue(After(absl::Milliseconds(1))));
  EXPECT_EQ(schedule.NextDue(After(absl::Seconds(5))), After(absl::Milliseconds(1)));
}

TEST(OpenLoop, RequestsThatCouldNotBeSentInTimeStayDueAfterTheDuration) {
  Schedule schedule = Make(absl::Seconds(1), std::nullopt, 1000);
  for (int i = 0; i < 400; ++i) schedule.Advance();
  EXPECT_TRUE(schedule.IsDue(After(absl::Seconds(2))));
  EXPECT_EQ(schedule.NextDue(After(absl::Seconds(2))), After(absl::Milliseconds(400)));
  EXPECT_EQ(schedule.Unissued(), 600u);
  for (int i = 0; i < 600; ++i) schedule.Advance();
  EXPECT_FALSE(schedule.HasMore(After(absl::Milliseconds(1))));
}

TEST(OpenLoop, DoesNotDriftOverManyRequests) {
  Schedule schedule = Make(absl::Hours(1), std::nullopt, 3);
  for (int i = 0; i < 3 * 3000; ++i) schedule.Advance();
  EXPECT_NEAR(static_cast<double>((schedule.NextDue(kStart) - kStart) / absl::Nanoseconds(1)), 3e12,
              1000);
}

TEST(OpenLoop, ANumberOfRequestsBoundsItToo) {
  EXPECT_EQ(Make(absl::Seconds(10), 5, 1000).Unissued(), 5u);
  EXPECT_EQ(Make(std::nullopt, 5, 1000).Unissued(), 5u);
  EXPECT_EQ(Make(absl::Milliseconds(1), std::nullopt, 1).Unissued(), 1u);
}

}  // namespace
}  // namespace windlass
