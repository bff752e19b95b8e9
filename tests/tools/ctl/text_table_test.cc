#include "tools/ctl/text_table.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

constexpr auto kRight = Column::Align::kRight;

TEST(TextTable, AlignsTextLeftAndNumbersRight) {
  TextTable table({{"NAME"}, {"COUNT", kRight}, {"NOTE"}});
  table.AddRow({"a", "1", "short"});
  table.AddRow({"a long name", "1000000", "x"});
  EXPECT_EQ(table.Render(false),
            "NAME           COUNT  NOTE\n"
            "a                  1  short\n"
            "a long name  1000000  x\n");
}

TEST(TextTable, MarksWhatDoesNotApplyAndLeavesOutWhatNeverDoes) {
  TextTable table({{"A"}, {"B", kRight}, {"C"}});
  table.AddRow({"1", "", ""});
  table.AddRow({"", "", "22"});
  EXPECT_EQ(table.Render(false),
            "A  C\n"
            "1  -\n"
            "-  22\n");
}

TEST(TextTable, CountsCharactersNotBytes) {
  TextTable table({{"A"}, {"B"}});
  table.AddRow({"größer", "x"});
  table.AddRow({"klein", "y"});
  EXPECT_EQ(table.Render(false),
            "A       B\n"
            "größer  x\n"
            "klein   y\n");
}

TEST(TextTable, ColoursDoNotMoveColumns) {
  TextTable table({{"STATE"}, {"N", kRight}});
  table.AddRow({Cell("serving", Colour::kGreen), "1"});
  table.AddRow({Cell("failed", Colour::kRed), "2"});
  EXPECT_EQ(table.Render(true),
            "STATE    N\n"
            "\x1b[32mserving\x1b[0m  1\n"
            "\x1b[1;31mfailed\x1b[0m   2\n");
  EXPECT_EQ(table.Render(false),
            "STATE    N\n"
            "serving  1\n"
            "failed   2\n");
}

}  // namespace
}  // namespace windlass
