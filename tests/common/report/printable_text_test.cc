#include "common/report/printable_text.h"

#include <gtest/gtest.h>
#include <locale.h>
#include <simdjson.h>

namespace windlass {
namespace {

TEST(PrintableText, KeepsTextAsItIs) {
  for (const char* text : {"", "plain", "größer 🐶 \xef\xbf\xbd", "two\nlines\tand a tab"}) {
    EXPECT_EQ(PrintableText(text), text);
  }
}

TEST(PrintableText, ReplacesControlCharacters) {
  EXPECT_EQ(PrintableText("a\x1b[31mb"), "a\xef\xbf\xbd[31mb");
  EXPECT_EQ(PrintableText(absl::string_view("\0\r\x7f", 3)),
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(PrintableText("a\xc2\x9b"
                          "31m"),
            "a\xef\xbf\xbd"
            "31m");
  EXPECT_EQ(PrintableText("\xc2\xa0"), "\xc2\xa0");  // no-break space, the first behind C1
}

TEST(PrintableText, ReplacesEachByteThatIsNotUtf8) {
  EXPECT_EQ(PrintableText("a\xff"
                          "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(PrintableText("\xf0\x9f\x90"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(PrintableText("\xc3"
                          "a"),
            "\xef\xbf\xbd"
            "a");
}

TEST(PrintableText, IsUtf8WhateverItIsMadeOf) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes = {static_cast<char>(first), static_cast<char>(second), 'x'};
      const std::string text = PrintableText(bytes);
      ASSERT_TRUE(simdjson::validate_utf8(text)) << first << " " << second;
      ASSERT_EQ(text.back(), 'x');
      ASSERT_EQ(PrintableText(text), text);
    }
  }
}

TEST(PrintableLine, IsOneLine) { EXPECT_EQ(PrintableLine("a\nb\tc"), "a b c"); }

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth(""), 0u);
  EXPECT_EQ(DisplayWidth("größer"), 6u);
  EXPECT_EQ(DisplayWidth("漢字 🐶"), 7u);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1u);  // joined to the e
  EXPECT_EQ(DisplayWidth("\xef\xbf\xbd"), 1u);
}

TEST(DisplayWidth, LeavesTheLocaleAsItWas) {
  const locale_t before = ::uselocale(nullptr);
  DisplayWidth("ä");
  CutToWidth("äöü", 2);
  EXPECT_EQ(::uselocale(nullptr), before);
}

TEST(CutToWidth, KeepsWhatFitsAndMarksWhatIsLost) {
  EXPECT_EQ(CutToWidth("größer", 6), "größer");
  EXPECT_EQ(CutToWidth("größer", 5), "größ…");
  EXPECT_EQ(CutToWidth("größer", 1), "…");
  EXPECT_EQ(CutToWidth("größer", 0), "");
  // Half of a wide character is none.
  EXPECT_EQ(CutToWidth("漢字漢", 4), "漢…");
  EXPECT_EQ(CutToWidth("漢字漢", 5), "漢字…");
}

}  // namespace
}  // namespace windlass
