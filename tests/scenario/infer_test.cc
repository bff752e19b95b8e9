// The plug-in `infer` in a server, with the digits that come with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

using testing::HasSubstr;

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
std::string Folder() { return absl::StrCat(WINDLASS_SOURCE_DIR, "/tools/examples/infer/"); }

std::string Config(absl::string_view options) {
  return ConfigText({.in_pool = "sandbox = \"strict\"\n",
                     .handlers = absl::StrCat(
                         "[[handler]]\nname = \"infer\"\nlibrary = \"infer\"\n",
                         "options = { model = \"", Folder(), "digits.model\", ", options, " }\n")});
}

// The pixels of the first `count` digits, and which they are.
struct Digits {
  std::vector<float> pixels;
  std::vector<int> labels;
};
Digits TestDigits(size_t count) {
  const std::string file = ReadWhole(Folder() + "digits.test");
  Digits digits;
  for (size_t i = 0; i < count; ++i) {
    for (size_t p = 0; p < 64; ++p) {
      digits.pixels.push_back(static_cast<float>(static_cast<uint8_t>(file[i * 65 + p])) / 255.0f);
    }
    digits.labels.push_back(file[i * 65 + 64]);
  }
  return digits;
}
std::string Bytes(const std::vector<float>& values, bool big_endian = false) {
  std::string bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  for (size_t i = 0; big_endian && i < bytes.size(); i += 4) {
    std::reverse(bytes.begin() + static_cast<ptrdiff_t>(i),
                 bytes.begin() + static_cast<ptrdiff_t>(i + 4));
  }
  return bytes;
}

MessageAnswer Ask(const Server& server, absl::string_view content, absl::string_view type,
                  bool big_endian = false) {
  const std::string header =
      absl::StrCat(R"({"byteorder": ")", big_endian ? "big" : "little", R"(", "content-type": ")",
                   type, R"(", "content-encoding": ")", type == "text/json" ? "utf-8" : "binary",
                   R"(", "handler": "infer", "content-length": )", content.size(), "}");
  Client client(server.address("message"));
  client.Send(RawMessage(header, content));
  std::optional<MessageAnswer> answer = client.ReadAnswer();
  EXPECT_TRUE(answer);
  return answer.value_or(MessageAnswer());
}

int Right(const std::string& answer, const Digits& digits) {
  std::vector<float> outputs(answer.size() / sizeof(float));
  std::memcpy(outputs.data(), answer.data(), answer.size());
  EXPECT_EQ(outputs.size(), digits.labels.size() * 10);
  int right = 0;
  for (size_t i = 0; i < digits.labels.size() && outputs.size() >= 10 * (i + 1); ++i) {
    const auto row = outputs.begin() + static_cast<ptrdiff_t>(i * 10);
    if (std::max_element(row, row + 10) - row == digits.labels[i]) ++right;
  }
  return right;
}

TEST(Infer, ReadsDigitsInBatchesOfAnySizeSplitOrNot) {
  const auto server = Server::StartWithConfig(Config("split_rows = 100"));
  for (const size_t count : {1u, 99u, 100u, 1000u}) {
    const Digits digits = TestDigits(count);
    const MessageAnswer answer = Ask(*server, Bytes(digits.pixels), "binary/float32");
    EXPECT_EQ(answer.status, "") << answer.content;
    EXPECT_GE(Right(answer.content, digits) * 100, static_cast<int>(count) * 98) << count;
  }
  // 2 whole, and 2 split into 4 bands each.
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("jobs"), 2u + 2 * 6);
}

TEST(Infer, AnswersInTheByteOrderOfTheRequest) {
  const auto server = Server::StartWithConfig(Config("split_rows = 100"));
  for (const size_t count : {3u, 500u}) {
    const Digits digits = TestDigits(count);
    const std::string little = Ask(*server, Bytes(digits.pixels), "binary/float32").content;
    std::string big = Ask(*server, Bytes(digits.pixels, true), "binary/float32", true).content;
    ASSERT_EQ(big.size(), little.size());
    for (size_t i = 0; i < big.size(); i += 4) {
      std::reverse(big.begin() + static_cast<ptrdiff_t>(i),
                   big.begin() + static_cast<ptrdiff_t>(i + 4));
    }
    EXPECT_TRUE(big == little);
  }
}

TEST(Infer, TakesJson) {
  const auto server = Server::StartWithConfig(Config("max_rows = 1000"));
  const Digits digits = TestDigits(2);
  std::string rows;
  for (size_t i = 0; i < digits.pixels.size(); ++i) {
    absl::StrAppend(&rows, i % 64 == 0 ? (i == 0 ? "[" : "], [") : ", ", digits.pixels[i]);
  }
  const MessageAnswer answer =
      Ask(*server, absl::StrCat("{\"inputs\": [", rows, "]]}"), "text/json");
  EXPECT_EQ(answer.status, "");
  EXPECT_THAT(answer.content, HasSubstr(absl::StrCat("\"classes\": [", digits.labels[0], ", ",
                                                     digits.labels[1], "]")));
  EXPECT_EQ(Ask(*server, "[1, 2]", "text/json").status, "invalid_argument");
  std::string large = "[3e38";
  for (int i = 1; i < 64; ++i) large += ", 3e38";
  EXPECT_EQ(Ask(*server, large + "]", "text/json").status, "invalid_argument");
  EXPECT_EQ(Ask(*server, "123", "binary/float32").status, "invalid_argument");
}

TEST(Infer, AModelThatIsNoneKeepsTheServerFromStarting) {
  const auto server = Server::StartWithConfig(ConfigText());
  server->WriteConfig(ConfigText({.handlers = "[[handler]]\nname = \"infer\"\nlibrary = \"infer\"\n"
                                              "options = { model = \"/etc/hostname\" }\n"}));
  const ProgramResult reloaded = server->Ctl({"reload"});
  EXPECT_EQ(reloaded.exit_code, 1);
  EXPECT_THAT(reloaded.err, HasSubstr("WLDENSE1 is missing"));
}

}  // namespace
}  // namespace windlass
