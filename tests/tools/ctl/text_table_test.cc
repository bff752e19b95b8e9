#include "tools/ctl/text_table.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

constexpr auto kRight = Column::Align::kRight;

TEST(TextTable, AlignsTextLeftAndNumbersRight) {
  TextTable table({{"NAME"}, {"COUNT", kRight}, {"NOTE"}});
  table.AddRow({"a", "1", "short"});
  table.AddRow({"a long name", "1000000", "x"});
  EXPECT_EQ(table.Render({}),
            "NAME           COUNT  NOTE\n"
            "a                  1  short\n"
            "a long name  1000000  x\n");
}

TEST(TextTable, MarksWhatDoesNotApplyAndLeavesOutWhatNeverDoes) {
  TextTable table({{"A"}, {"B", kRight}, {"C"}});
  table.AddRow({"1", "", ""});
  table.AddRow({"", "", "22"});
  EXPECT_EQ(table.Render({}),
            "A  C\n"
            "1  -\n"
            "-  22\n");
}

TEST(TextTable, CountsCharactersNotBytes) {
  TextTable table({{"A"}, {"B"}});
  table.AddRow({"größer", "x"});
  table.AddRow({"klein", "y"});
  EXPECT_EQ(table.Render({}),
            "A       B\n"
            "größer  x\n"
            "klein   y\n");
}

TEST(TextTable, ColoursDoNotMoveColumns) {
  TextTable table({{"STATE"}, {"N", kRight}});
  table.AddRow({Cell("serving", Colour::kGreen), "1"});
  table.AddRow({Cell("failed", Colour::kRed), "2"});
  EXPECT_EQ(table.Render({.colours = true}),
            "STATE    N\n"
            "\x1b[32mserving\x1b[0m  1\n"
            "\x1b[1;31mfailed\x1b[0m   2\n");
  EXPECT_EQ(table.Render({}),
            "STATE    N\n"
            "serving  1\n"
            "failed   2\n");
}

TEST(TextTable, AlignsByWhatATerminalShows) {
  TextTable table({{"A"}, {"B"}});
  table.AddRow({"漢字", "x"});
  table.AddRow({"e\u0301", "y"});
  EXPECT_EQ(table.Render({}),
            "A     B\n"
            "漢字  x\n"
            "e\u0301     y\n");
}

TEST(TextTable, CutsWhatIsWiderThanTheTerminal) {
  TextTable table({{"NAME"}, {"N", kRight}, {"STATE"}});
  table.AddRow({"a", "1", Cell("serving", Colour::kGreen)});
  table.AddRow({"größer", "12345", Cell("failed", Colour::kRed)});
  EXPECT_EQ(table.Render({.columns = 18}),
            "NAME        N  ST…\n"
            "a           1  se…\n"
            "größer  12345  fa…\n");
  EXPECT_EQ(table.Render({.colours = true, .columns = 18}),
            "NAME        N  ST…\n"
            "a           1  \x1b[32mse…\x1b[0m\n"
            "größer  12345  \x1b[1;31mfa…\x1b[0m\n");
  EXPECT_EQ(table.Render({.columns = 14}),
            "NAME        N\n"
            "a           1\n"
            "größer  12345\n");
  EXPECT_EQ(table.Render({.columns = 3}),
            "NA…\n"
            "a\n"
            "gr…\n");
}

}  // namespace
}  // namespace windlass
