#include "common/units.h"

#include <gtest/gtest.h>

#include <string>

namespace windlass {
namespace {

TEST(ParseDuration, TakesNumbersWithUnits) {
  EXPECT_EQ(*ParseDuration("30s"), absl::Seconds(30));
  EXPECT_EQ(*ParseDuration("5m"), absl::Minutes(5));
  EXPECT_EQ(*ParseDuration("500ms"), absl::Milliseconds(500));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("1.5s"), absl::Milliseconds(1500));
}

TEST(ParseDuration, TakesZeroWithoutAUnit) {
  EXPECT_EQ(*ParseDuration("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDuration("0s"), absl::ZeroDuration());
}

TEST(ParseDuration, RefusesWhatIsNoDurationAndQuotesIt) {
  for (const char* text : {"", "30", "s", "30 s", " 30s", "30s ", "30x", "+30s", ".5s", "inf",
                           "-inf", "1h-5m", "thirty"}) {
    const absl::Status status = ParseDuration(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(status.message().find(std::string("\"") + text + "\""), absl::string_view::npos)
        << status;
  }
}

TEST(ParseDuration, SaysThatNegativeIsTheProblem) {
  EXPECT_EQ(ParseDuration("-30s").status().message(), "\"-30s\": a duration cannot be negative");
}

TEST(ParseDuration, RefusesOverflow) {
  EXPECT_FALSE(ParseDuration("9223372036854775807h").ok());
  EXPECT_FALSE(ParseDuration("99999999999999999999h").ok());
}

TEST(FormatDuration, IsReadBackAsTheSameDuration) {
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Nanoseconds(1), absl::Milliseconds(1500), absl::Minutes(90),
        absl::Hours(24)}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(duration)), duration);
  }
}

TEST(ParseSize, TakesBytesAndUnits) {
  EXPECT_EQ(*ParseSize("1000"), 1000u);
  EXPECT_EQ(*ParseSize("0"), 0u);
  EXPECT_EQ(*ParseSize("7B"), 7u);
  EXPECT_EQ(*ParseSize("64KiB"), 64u << 10);
  EXPECT_EQ(*ParseSize("64MiB"), 64u << 20);
  EXPECT_EQ(*ParseSize("1GiB"), 1u << 30);
  EXPECT_EQ(*ParseSize("2TiB"), uint64_t{2} << 40);
  EXPECT_EQ(*ParseSize("3kB"), 3000u);
  EXPECT_EQ(*ParseSize("3KB"), 3000u);
  EXPECT_EQ(*ParseSize("10MB"), 10'000'000u);
  EXPECT_EQ(*ParseSize("2GB"), 2'000'000'000u);
  EXPECT_EQ(*ParseSize("2TB"), 2'000'000'000'000u);
}

TEST(ParseSize, RefusesWhatIsNoSizeAndQuotesIt) {
  for (const char* text :
       {"", "KiB", "64 KiB", " 64", "64KiB ", "64K", "64kib", "1.5MiB", "+5", "0x10", "many"}) {
    const absl::Status status = ParseSize(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(status.message().find(std::string("\"") + text + "\""), absl::string_view::npos)
        << status;
  }
}

TEST(ParseSize, SaysThatNegativeIsTheProblem) {
  EXPECT_EQ(ParseSize("-1").status().message(), "\"-1\": a size cannot be negative");
}

TEST(ParseSize, RefusesOverflowOfTheNumberAndOfTheProduct) {
  EXPECT_EQ(*ParseSize("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(ParseSize("18446744073709551616").status().message(),
            "\"18446744073709551616\": this size is too large");
  EXPECT_TRUE(ParseSize("16777215TiB").ok());
  EXPECT_EQ(ParseSize("16777216TiB").status().message(), "\"16777216TiB\": this size is too large");
}

TEST(FormatSize, UsesTheLargestUnitThatIsExact) {
  EXPECT_EQ(FormatSize(0), "0");
  EXPECT_EQ(FormatSize(1000), "1000");
  EXPECT_EQ(FormatSize(65536), "64KiB");
  EXPECT_EQ(FormatSize(uint64_t{3} << 30), "3GiB");
}

TEST(FormatSize, IsReadBackAsTheSameSize) {
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{65535}, uint64_t{65536},
                               uint64_t{1} << 40, UINT64_MAX}) {
    EXPECT_EQ(*ParseSize(FormatSize(bytes)), bytes);
  }
}

}  // namespace
}  // namespace windlass
