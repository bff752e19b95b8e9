#include "common/log_limit.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

TEST(LogLimit, LetsAFewThroughThenOneASecondAndSaysHowManyItSwallowed) {
  LogLimit limit;
  const Instant start{5'000'000'000};
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += limit.Allow(start) ? 1 : 0;
  EXPECT_EQ(allowed, 5);
  ASSERT_TRUE(limit.Allow(start + absl::Seconds(1)));
  EXPECT_EQ(limit.Swallowed(), " (and 95 more like it)");
  EXPECT_EQ(limit.Swallowed(), "");
  EXPECT_FALSE(limit.Allow(start + absl::Milliseconds(1500)));
  EXPECT_TRUE(limit.Allow(start + absl::Seconds(3)));
}

}  // namespace
}  // namespace windlass
