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

}  // namespace
}  // namespace windlass
