#include "tools/examples/infer/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"

namespace windlass::infer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Bytes(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

TEST(Binary, IsReadInEitherByteOrder) {
  const std::string little = Bytes({1.5f, -2.0f, 3.0f, 4.0f});
  std::string big = little;
  for (size_t i = 0; i < big.size(); i += 4) std::reverse(big.begin() + i, big.begin() + i + 4);
  std::vector<float> read(2);
  ASSERT_TRUE(ReadBinary(little, ByteOrder::kLittle, 2, 1, 1, read.data()).ok());
  EXPECT_THAT(read, ElementsAre(3.0f, 4.0f));
  ASSERT_TRUE(ReadBinary(big, ByteOrder::kBig, 2, 0, 1, read.data()).ok());
  EXPECT_THAT(read, ElementsAre(1.5f, -2.0f));
  ToOrder(ByteOrder::kBig, read.data(), 2);
  EXPECT_EQ(Bytes(read), big.substr(0, 8));
}

TEST(Binary, ThatIsNoRowsIsRefused) {
  EXPECT_EQ(*BinaryRows(std::string(24, 'x'), 2, 3), 3u);
  EXPECT_EQ(BinaryRows(std::string(24, 'x'), 2, 2).status().code(), absl::StatusCode::kOutOfRange);
  for (const size_t bytes : {0, 1, 23, 28}) {
    EXPECT_EQ(BinaryRows(std::string(bytes, 'x'), 2, 9).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(BinaryRows("[[1, 2]]x", 2, 9).status().message(),
            "9 bytes: not rows of 2 float32 (8 bytes); the content type of JSON is text/json");
  float read = 0;
  const float kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(ReadBinary(Bytes({kNan}), ByteOrder::kLittle, 1, 0, 1, &read).ok());
}

absl::StatusOr<std::vector<float>> Json(const std::string& text) {
  std::string padded = text + std::string(64, '\0');
  std::vector<float> numbers;
  const absl::StatusOr<size_t> rows =
      ReadJson({padded.data(), text.size()}, 2, 3, [&numbers](size_t floats) {
        numbers.resize(floats);
        return numbers.data();
      });
  if (!rows.ok()) return rows.status();
  EXPECT_EQ(numbers.size(), *rows * 2);
  return numbers;
}

TEST(Json, IsOneRowOrSeveralInAnObjectOrNot) {
  EXPECT_THAT(*Json("[1, 2.5]"), ElementsAre(1, 2.5));
  EXPECT_THAT(*Json("[[1, 2], [-3e2, 4]]"), ElementsAre(1, 2, -300, 4));
  EXPECT_THAT(*Json(R"({"action": "infer", "inputs": [[1, 2]]})"), ElementsAre(1, 2));
}

TEST(Json, ThatIsNoRowsIsRefused) {
  const std::pair<const char*, const char*> kBad[] = {
      {"", "JSON"},
      {"[1, 2", "JSON"},
      {"7", "rows of numbers"},
      {"[]", "rows of numbers"},
      {"{}", "\"inputs\" is missing"},
      {R"({"inputs": 3})", "rows of numbers"},
      {"[1]", "row 0 has 1 numbers, not 2"},
      {"[[1, 2], [1, 2, 3]]", "row 1 has 3 numbers, not 2"},
      {"[[1, 2], 3]", "row 1 is no array"},
      {R"([["a", 2]])", "row 0: not a number"},
      {"[[1e300, 2]]", "row 0: not a number"},
      {"[[1,2],[1,2],[1,2],[1,2]]", "4 rows: at most 3"},
  };
  for (const auto& [text, says] : kBad) {
    EXPECT_THAT(std::string(Json(text).status().message()), HasSubstr(says)) << text;
  }
}

TEST(CheckOutputs, NamesTheRowThatIsTooLarge) {
  const std::vector<float> outputs = {1, 2, 3, std::numeric_limits<float>::infinity()};
  EXPECT_TRUE(CheckOutputs(outputs.data(), 1, 2, 0).ok());
  EXPECT_THAT(std::string(CheckOutputs(outputs.data(), 2, 2, 10).message()), HasSubstr("row 11"));
}

TEST(ToJson, TellsTheLargestOfEachRowToo) {
  const std::vector<float> outputs = {0.25f, 0.75f, 1.0f, 0.0f};
  EXPECT_EQ(ToJson(outputs.data(), 2, 2),
            R"({"outputs": [[0.25, 0.75], [1, 0]], "classes": [1, 0]})");
}

}  // namespace
}  // namespace windlass::infer
