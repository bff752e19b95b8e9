#include "common/report/human_units.h"

#include <gtest/gtest.h>

#include <limits>

namespace windlass {
namespace {

TEST(HumanSize, HasOneDecimalFromKibibytesOn) {
  EXPECT_EQ(HumanSize(0), "0 B");
  EXPECT_EQ(HumanSize(1023), "1023 B");
  EXPECT_EQ(HumanSize(1024), "1.0 KiB");
  EXPECT_EQ(HumanSize(12'897'485), "12.3 MiB");
  EXPECT_EQ(HumanSize(uint64_t{3} << 40), "3.0 TiB");
  EXPECT_EQ(HumanSize(std::numeric_limits<uint64_t>::max()), "16.0 EiB");
}

TEST(HumanSize, NeverRoundsToAThousandAndTwentyFour) {
  EXPECT_EQ(HumanSize((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(HumanSize(1023 << 10), "1023.0 KiB");
}

TEST(HumanAge, HasTheUnitsThatMatter) {
  EXPECT_EQ(HumanAge(absl::ZeroDuration()), "0s");
  EXPECT_EQ(HumanAge(absl::Milliseconds(250)), "250ms");
  EXPECT_EQ(HumanAge(absl::Milliseconds(1999)), "1s");
  EXPECT_EQ(HumanAge(absl::Seconds(59)), "59s");
  EXPECT_EQ(HumanAge(absl::Seconds(60)), "1m00s");
  EXPECT_EQ(HumanAge(absl::Seconds(192)), "3m12s");
  EXPECT_EQ(HumanAge(absl::Minutes(125)), "2h05m");
  EXPECT_EQ(HumanAge(absl::Hours(24)), "1d");
  EXPECT_EQ(HumanAge(absl::Hours(119)), "4d");
}

TEST(HumanAge, OfWhatIsStillToComeIsNegative) {
  EXPECT_EQ(HumanAge(absl::Seconds(-192)), "-3m12s");
}

TEST(UtcTime, IsRfc3339WithoutFractions) {
  EXPECT_EQ(UtcTime(absl::FromUnixMillis(1'769'860'800'999)), "2026-01-31T12:00:00Z");
  EXPECT_EQ(UtcTime(absl::UnixEpoch()), "1970-01-01T00:00:00Z");
}

TEST(UtcTime, OfNoSensibleYearIsUnknown) {
  EXPECT_EQ(UtcTime(absl::FromUnixMillis(std::numeric_limits<int64_t>::max())), "unknown");
  EXPECT_EQ(UtcTime(absl::FromUnixMillis(std::numeric_limits<int64_t>::min())), "unknown");
}

}  // namespace
}  // namespace windlass
