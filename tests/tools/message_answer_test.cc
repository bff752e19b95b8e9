#include "tools/client/message_answer.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

std::string Answer(absl::string_view more_keys, absl::string_view content) {
  const std::string header = absl::StrCat(
      R"({"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", )",
      R"("content-length": )", content.size(), more_keys, "}");
  return absl::StrCat(
      std::string{static_cast<char>(header.size() >> 8), static_cast<char>(header.size() & 255)},
      header, content);
}

struct ReadResult {
  absl::Status status;
  bool done = false;
  std::string content;
  std::string left;
};

// Feeds `first`, then `second`, and takes all there is.
ReadResult Read(MessageAnswerReader* reader, absl::string_view first, absl::string_view second) {
  ReadResult result;
  for (absl::string_view input : {first, second}) {
    for (;;) {
      absl::string_view content;
      const auto event = reader->Step(&input, &content);
      result.status = event.status();
      if (!event.ok()) return result;
      if (*event == MessageAnswerReader::Event::kContent) {
        absl::StrAppend(&result.content, content);
      } else if (*event == MessageAnswerReader::Event::kDone) {
        result.done = true;
        absl::StrAppend(&result.left, input);
        break;
      } else if (*event == MessageAnswerReader::Event::kNeedMore) {
        break;
      }
    }
  }
  return result;
}

TEST(MessageAnswerReader, ReadsTheSameAnswerHoweverItIsCut) {
  const std::string bytes =
      Answer(R"(, "status": "not_found", "request-id": "r")", R"({"result": "🐰"})");
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    MessageAnswerReader reader;
    const ReadResult result = Read(&reader, bytes.substr(0, cut), bytes.substr(cut));
    ASSERT_TRUE(result.status.ok() && result.done) << cut;
    EXPECT_EQ(result.content, R"({"result": "🐰"})") << cut;
    EXPECT_EQ(reader.head().status, "not_found");
    EXPECT_EQ(reader.head().request_id, "r");
    EXPECT_TRUE(reader.head().has_request_id);
    EXPECT_FALSE(reader.head().ok());
  }
}

TEST(MessageAnswerReader, ReadsAnEmptyContentAndLeavesWhatIsBehindIt) {
  MessageAnswerReader reader;
  const ReadResult result = Read(&reader, Answer("", "") + "more", "");
  EXPECT_TRUE(result.done);
  EXPECT_EQ(result.content, "");
  EXPECT_EQ(result.left, "more");
  EXPECT_TRUE(reader.head().ok());
}

TEST(MessageAnswerReader, KnowsHowFarItHasCome) {
  MessageAnswerReader reader;
  const std::string bytes = Answer("", "12345");
  EXPECT_FALSE(reader.started());
  Read(&reader, bytes.substr(0, 10), "");
  EXPECT_TRUE(reader.started());
  EXPECT_FALSE(reader.has_head());
  EXPECT_FALSE(Read(&reader, bytes.substr(10, bytes.size() - 12), "").done);
  EXPECT_TRUE(reader.has_head());
  EXPECT_EQ(reader.content_seen(), 3u);
}

TEST(MessageAnswerReader, RefusesAHeaderThatIsNone) {
  for (const char* bad :
       {"[1]", "xx", "{}", R"({"byteorder": "little"})", R"({"content-length": -1})"}) {
    MessageAnswerReader reader;
    const std::string header = bad;
    const std::string bytes =
        absl::StrCat(std::string{'\0', static_cast<char>(header.size())}, header);
    EXPECT_TRUE(absl::IsDataLoss(Read(&reader, bytes, "").status)) << bad;
  }
}

TEST(ErrorMessageOf, FindsTheMessageInBothForms) {
  EXPECT_EQ(ErrorMessageOf(R"({"error": {"code": "not_found", "message": "no 'x'"}})"), "no 'x'");
  EXPECT_EQ(ErrorMessageOf(R"({"result": "Error: invalid action 'jump'."})"),
            "Error: invalid action 'jump'.");
  EXPECT_EQ(ErrorMessageOf("[]"), "");
  EXPECT_EQ(ErrorMessageOf("not json"), "");
  EXPECT_EQ(ErrorMessageOf(""), "");
}

TEST(ResultOf, IsTheStringAtResultOrNothing) {
  EXPECT_EQ(*ResultOf(R"({"result": "Follow the white rabbit. 🐰"})"), "Follow the white rabbit. 🐰");
  EXPECT_TRUE(absl::IsDataLoss(ResultOf(R"({"result": 5})").status()));
  EXPECT_TRUE(absl::IsDataLoss(ResultOf(R"({"other": "x"})").status()));
  EXPECT_TRUE(absl::IsDataLoss(ResultOf("{").status()));
}

}  // namespace
}  // namespace windlass
