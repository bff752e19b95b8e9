#include "worker/handlers/json_content.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

std::string Padded(absl::string_view text) { return std::string(text) + std::string(64, '\0'); }

absl::Status Parse(JsonContent* json, absl::string_view text, absl::string_view charset = "utf-8",
                   bool big = false) {
  const std::string padded = Padded(text);
  return json->Parse(absl::string_view(padded.data(), text.size()), charset, big);
}

TEST(JsonContent, TellsValuesByTheirTypes) {
  JsonContent json;
  const std::string text = Padded(R"({"s": "x", "n": 5, "l": [1, 2], "z": null})");
  ASSERT_TRUE(json.Parse(absl::string_view(text.data(), text.size() - 64), "utf-8", false).ok());
  EXPECT_EQ(json.String("s"), "x");
  EXPECT_FALSE(json.String("n"));
  EXPECT_EQ(json.Integer("n"), 5);
  EXPECT_EQ(json.Text("l"), "[1,2]");
  EXPECT_EQ(json.Text("z"), "null");
  EXPECT_EQ(json.Text("absent"), "None");
  EXPECT_FALSE(json.Has("absent"));
}

TEST(JsonContent, RefusesWhatIsNoObject) {
  JsonContent json;
  for (const char* text :
       {"", "[1]", "5", "\"x\"", "{\"a\": 1,}", "{'a': 1}", "{\"a\": 01}", "{} {}", "nul"}) {
    EXPECT_EQ(Parse(&json, text).code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(JsonContent, ForgetsTheLastObjectWhenTheNextOneIsBroken) {
  JsonContent json;
  ASSERT_TRUE(Parse(&json, R"({"a": 1})").ok());
  ASSERT_FALSE(Parse(&json, "{").ok());
}

TEST(JsonContent, UnderstandsWhatIconvKnows) {
  JsonContent json;
  ASSERT_TRUE(Parse(&json, "{\"k\": \"\xe9\"}", "latin1").ok());
  EXPECT_EQ(json.String("k"), "\xc3\xa9");
}

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
  EXPECT_FALSE(ToUtf8("abc", "utf-16le", false).ok()) << "half a character at the end";
}

TEST(ToUtf8, ConvertsMoreThanOneBufferful) {
  const std::string latin(50'000, '\xe9');
  const absl::StatusOr<std::string> utf8 = ToUtf8(latin, "latin1", false);
  ASSERT_TRUE(utf8.ok());
  EXPECT_EQ(utf8->size(), 100'000u);
}

}  // namespace
}  // namespace windlass
