#include "worker/handlers/charset.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace windlass {
namespace {

TEST(ToUtf8, ByteOrderDecidesWhereNoMarkDoes) {
  EXPECT_EQ(*ToUtf8(absl::string_view("a\0", 2), "utf-16", false), "a");
  EXPECT_EQ(*ToUtf8(absl::string_view("\0a", 2), "UTF-16", true), "a");
  EXPECT_EQ(*ToUtf8(absl::string_view("a\0\0\0", 4), "utf-32", false), "a");
  EXPECT_EQ(*ToUtf8(absl::string_view("\xff\xfe"
                                      "a\0",
                                      4),
                    "utf-16", true),
            "a");
  EXPECT_EQ(*ToUtf8(absl::string_view("\xfe\xff\0a", 4), "utf-16", false), "a");
}

TEST(ToUtf8, RefusesUnknownCharsetsAndWhatIsNotText) {
  for (const char* charset : {"", "klingon", "utf-8//IGNORE", "ASCII//TRANSLIT"}) {
    EXPECT_FALSE(ToUtf8("a", charset, false).ok()) << charset;
  }
  EXPECT_FALSE(ToUtf8("\xff", "utf-8", false).ok());
  EXPECT_FALSE(ToUtf8("\xf8\xa8\xa8\xa8\xa8", "utf-8", false).ok()) << "what was UTF-8 once";
  EXPECT_FALSE(ToUtf8("abc", "utf-16le", false).ok()) << "half a character at the end";
}

TEST(ToUtf8, ConvertsMoreThanOneBufferful) {
  const std::string latin(50'000, '\xe9');
  const absl::StatusOr<std::string> utf8 = ToUtf8(latin, "latin1", false);
  ASSERT_TRUE(utf8.ok());
  EXPECT_EQ(utf8->size(), 100'000u);
}

// In a process of its own: it is for good.
TEST(LoadCommonCharsets, LeavesWhatItHasLoadedAndNothingElse) {
  ASSERT_TRUE(ToUtf8("a", "ibm1047", false).ok());
  EXPECT_EXIT(
      {
        LoadCommonCharsets();
        bool right = !ToUtf8("a", "ibm1047", false).ok();
        for (const char* charset :
             {"latin1", "Latin1", "iso-8859-15", "windows-1252", "cp1251", "koi8-r", "shift_jis",
              "gb18030", "big5", "euc-kr", "utf-16", "UTF-32BE"}) {
          const absl::StatusOr<std::string> text =
              ToUtf8(absl::string_view("a\0\0\0", 4), charset, false);
          right = right && (text.ok() || text.status().message() != "unknown content-encoding");
        }
        _exit(right ? 0 : 1);  // what was loaded is no leak
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace windlass
