#include "tools/client/sanitizer_runtime.h"

#include <gtest/gtest.h>

#include <string>

namespace windlass {
namespace {

std::string Strings(std::initializer_list<const char*> strings) {
  std::string file =
      "\x7f"
      "ELF";
  for (const char* text : strings) file.append(1, '\0').append(text);
  return file.append(1, '\0');
}

TEST(SanitizerRuntimeOf, IsTheNeededLibraryOfThatName) {
  EXPECT_EQ(SanitizerRuntimeOf(Strings({"libc.so.6", "libasan.so.8", "main"})), "libasan.so.8");
  EXPECT_EQ(SanitizerRuntimeOf(Strings({"libasan.so.12"})), "libasan.so.12");
}

TEST(SanitizerRuntimeOf, IsEmptyForOtherLibraries) {
  EXPECT_EQ(SanitizerRuntimeOf(""), "");
  EXPECT_EQ(SanitizerRuntimeOf("libasan.so.8"), "") << "the file ends in the name";
  EXPECT_EQ(SanitizerRuntimeOf(Strings({"libc.so.6"})), "");
}

TEST(SanitizerRuntimeOf, TextThatOnlyNamesItDoesNotCount) {
  EXPECT_EQ(SanitizerRuntimeOf(Strings({"needs libasan.so.8", "libasan.so.", "libasan.so.8 is"})),
            "");
  EXPECT_EQ(SanitizerRuntimeOf(Strings({"mylibasan.so.6", "libasan.so.8"})), "libasan.so.8");
}

}  // namespace
}  // namespace windlass
