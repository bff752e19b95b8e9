#include "tools/client/command_line.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace windlass {
namespace {

constexpr std::array<OptionSpec, 3> kSpecs = {{{"json"}, {"name", true}, {"header", true, true}}};

absl::StatusOr<CommandLine> Split(std::vector<std::string> args) {
  return CommandLine::Split(args, kSpecs);
}

std::string ErrorOf(std::vector<std::string> args) {
  return std::string(Split(std::move(args)).status().message());
}

TEST(CommandLine, OptionsStandAnywhereAmongTheRest) {
  const auto line = Split({"search", "--json", "addr", "--name=x", "value"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->positionals(), (std::vector<std::string>{"search", "addr", "value"}));
  EXPECT_TRUE(line->Has("json"));
  EXPECT_EQ(line->Value("name"), "x");
}

TEST(CommandLine, AValueFollowsAnEqualsSignOrAsTheNextArgument) {
  EXPECT_EQ(Split({"--name=a=b"})->Value("name"), "a=b");
  EXPECT_EQ(Split({"--name", "--json"})->Value("name"), "--json");
  EXPECT_EQ(Split({"--name="})->Value("name"), "");
}

TEST(CommandLine, TwoDashesEndTheOptionsAndOneDashIsNone) {
  const auto line = Split({"-", "--", "--json", "-x"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->positionals(), (std::vector<std::string>{"-", "--json", "-x"}));
  EXPECT_FALSE(line->Has("json"));
}

TEST(CommandLine, ARepeatableOptionKeepsEveryValueInOrder) {
  EXPECT_EQ(Split({"--header=b", "--header", "a"})->Values("header"),
            (std::vector<std::string>{"b", "a"}));
}

TEST(CommandLine, ErrorsNameTheOption) {
  EXPECT_EQ(ErrorOf({"--jsno"}), "unknown option --jsno, did you mean 'json'?");
  EXPECT_EQ(ErrorOf({"--name"}), "--name needs a value");
  EXPECT_EQ(ErrorOf({"--json=1"}), "--json takes no value");
  EXPECT_EQ(ErrorOf({"--name=1", "--name=2"}), "--name is given twice");
  EXPECT_EQ(ErrorOf({"--json", "--json"}), "--json is given twice");
  EXPECT_TRUE(absl::StrContains(ErrorOf({"-x"}), "unknown option -x"));
}

TEST(ParseCount, TakesWholeNumbersInItsRangeOnly) {
  EXPECT_EQ(*ParseCount("N", "1", 1, 10), 1u);
  EXPECT_EQ(*ParseCount("N", "10", 1, 10), 10u);
  for (const char* bad : {"0", "11", "", "-1", "+1", "1.5", " 1", "1x", "99999999999999999999"}) {
    EXPECT_FALSE(ParseCount("N", bad, 1, 10).ok()) << bad;
  }
}

TEST(ParseTimeout, ZeroMeansNoLimit) {
  EXPECT_EQ(*ParseTimeout("--timeout", "250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ParseTimeout("--timeout", "0"), absl::InfiniteDuration());
  EXPECT_TRUE(
      absl::StartsWith(ParseTimeout("--timeout", "soon").status().message(), "--timeout: "));
}

}  // namespace
}  // namespace windlass
