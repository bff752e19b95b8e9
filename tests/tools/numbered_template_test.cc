#include "tools/bench/numbered_template.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

std::string Whole(const NumberedTemplate& text, uint64_t number) {
  std::string out(text.size(), '?');
  EXPECT_EQ(text.CopyOut(number, 0, out.data(), out.size()), out.size());
  return out;
}

TEST(NumberedTemplate, PutsTenDigitsBetweenItsParts) {
  const auto text = NumberedTemplate::WithNumber("head ", " tail\n");
  EXPECT_EQ(Whole(text, 42), "head 0000000042 tail\n");
  EXPECT_EQ(Whole(text, 9'999'999'999), "head 9999999999 tail\n");
  EXPECT_EQ(Whole(text, 10'000'000'001), "head 0000000001 tail\n");
}

TEST(NumberedTemplate, EveryPartIsTheSameAsThatPartOfTheWhole) {
  const auto text = NumberedTemplate::WithNumber("ab", "cde");
  const std::string whole = Whole(text, 1234567890);
  for (size_t offset = 0; offset <= whole.size(); ++offset) {
    for (size_t size = 0; offset + size <= whole.size(); ++size) {
      std::string part(size, '?');
      EXPECT_EQ(text.CopyOut(1234567890, offset, part.data(), size), size);
      EXPECT_EQ(part, whole.substr(offset, size));
      EXPECT_TRUE(text.Matches(1234567890, offset, part));
    }
  }
}

TEST(NumberedTemplate, CopiesNoMoreThanItHas) {
  char room[100];
  EXPECT_EQ(NumberedTemplate::WithNumber("ab", "c").CopyOut(1, 5, room, sizeof(room)), 8u);
}

TEST(NumberedTemplate, EveryWrongByteIsSeen) {
  const auto text = NumberedTemplate::WithNumber("ab", "cde");
  const std::string whole = Whole(text, 77);
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string wrong = whole;
    wrong[i] = '!';
    EXPECT_FALSE(text.Matches(77, 0, wrong)) << i;
    EXPECT_FALSE(text.Matches(77, i, wrong.substr(i))) << i;
  }
  EXPECT_FALSE(text.Matches(78, 0, whole));
}

TEST(NumberedTemplate, AFixedTextIsTheSameForAllNumbers) {
  const auto text = NumberedTemplate::Fixed("burn");
  EXPECT_EQ(Whole(text, 1), "burn");
  EXPECT_TRUE(text.Matches(2, 1, "urn"));
  EXPECT_FALSE(text.Matches(2, 1, "urm"));
}

}  // namespace
}  // namespace windlass
