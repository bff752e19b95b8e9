#include "tools/bench/answer_reader.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

// What windlass-bench sends, and what it takes for a right answer.

namespace windlass {
namespace {

using Verdict = AnswerReader::Verdict;

LoadShape Shape(std::vector<std::string> args) {
  const auto options = ParseBenchOptions(args);
  EXPECT_TRUE(options.ok()) << options.status();
  const auto shape = MakeLoadShape(*options);
  EXPECT_TRUE(shape.ok()) << shape.status();
  return *shape;
}

std::string Text(const NumberedTemplate& text, uint64_t number) {
  std::string out(text.size(), '?');
  text.CopyOut(number, 0, out.data(), out.size());
  return out;
}

std::string Message(absl::string_view keys, absl::string_view content) {
  const std::string header =
      absl::StrCat(R"({"byteorder": "little", "content-type": "b", "content-encoding": "c", )",
                   R"("content-length": )", content.size(), keys, "}");
  return absl::StrCat(std::string{'\0', static_cast<char>(header.size())}, header, content);
}

// The verdict on `bytes` as the answer to request `number`, cut at `cut`.
Verdict Judge(const LoadShape& shape, uint64_t number, absl::string_view bytes, size_t cut) {
  AnswerReader reader;
  AnswerHeadParser heads;
  absl::string_view first = bytes.substr(0, cut);
  Verdict verdict = reader.Step(shape, &heads, number, &first);
  if (verdict != Verdict::kNeedMore) return verdict;
  EXPECT_TRUE(first.empty());
  absl::string_view second = bytes.substr(cut);
  return second.empty() ? verdict : reader.Step(shape, &heads, number, &second);
}
Verdict Judge(const LoadShape& shape, uint64_t number, absl::string_view bytes) {
  const Verdict verdict = Judge(shape, number, bytes, bytes.size());
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_EQ(Judge(shape, number, bytes, cut), verdict) << "cut at " << cut;
  }
  return verdict;
}

TEST(LoadShape, ABinaryRequestHasItsNumberInItsFirstTenBytes) {
  const LoadShape shape = Shape({"--target=message://:1", "--size=12"});
  const std::string request = Text(shape.request, 7);
  EXPECT_EQ(request.substr(request.find('}') + 1), "0000000007ab");
  EXPECT_NE(request.find("\"content-length\": 12}"), std::string::npos);
  EXPECT_EQ(Text(shape.answer, 7), "First 10 bytes of request: 0000000007");
}

TEST(LoadShape, ABurnRequestIsItsAction) {
  const LoadShape shape = Shape({"--target=message://:1", "--handler=burn", "--burn-ms=5"});
  const std::string request = Text(shape.request, 7);
  EXPECT_EQ(request.substr(request.find('}') + 1), R"({"action": "burn", "ms": 5})");
  EXPECT_NE(request.find(R"("handler": "burn"})"), std::string::npos);
  EXPECT_FALSE(shape.check_content);
}

TEST(LoadShape, ProtocolsWithoutHeadersGetTheirPayloadBack) {
  const LoadShape line = Shape({"--target=line://:1", "--size=12"});
  EXPECT_EQ(Text(line.request, 3), "0000000003ab\n");
  EXPECT_EQ(Text(line.answer, 3), "0000000003ab\n");
  const LoadShape length = Shape({"--target=length://:1", "--size=12"});
  EXPECT_EQ(Text(length.request, 3), "12\n0000000003ab");
  EXPECT_EQ(Text(length.answer, 3), "0000000003ab");
  EXPECT_TRUE(length.one_per_connection);
  EXPECT_FALSE(Shape({"--target=length://:1", "--keepalive"}).one_per_connection);
}

TEST(AnswerReader, TakesTheRightAnswerHoweverItIsCut) {
  const LoadShape binary = Shape({"--target=message://:1"});
  EXPECT_EQ(Judge(binary, 5, Message("", Text(binary.answer, 5))), Verdict::kRight);
  EXPECT_EQ(Judge(binary, 5, Message(R"(, "status": "ok")", Text(binary.answer, 5))),
            Verdict::kRight);
  const LoadShape echo = Shape({"--target=message://:1", "--handler=echo", "--size=50"});
  EXPECT_EQ(Judge(echo, 5, Message("", Text(echo.answer, 5))), Verdict::kRight);
  const LoadShape line = Shape({"--target=line://:1"});
  EXPECT_EQ(Judge(line, 5, Text(line.answer, 5)), Verdict::kRight);
}

TEST(AnswerReader, TheAnswerToAnotherRequestIsWrong) {
  const LoadShape binary = Shape({"--target=message://:1"});
  EXPECT_EQ(Judge(binary, 5, Message("", Text(binary.answer, 6))), Verdict::kWrong);
  const LoadShape line = Shape({"--target=line://:1"});
  EXPECT_EQ(Judge(line, 5, Text(line.answer, 6)), Verdict::kWrongAndLost);
}

TEST(AnswerReader, AContentOfAnotherLengthIsWrongAndTheNextAnswerIsFound) {
  const LoadShape shape = Shape({"--target=message://:1"});
  const std::string right = Text(shape.answer, 5);
  for (const std::string& content : {std::string(), right.substr(1), right + "x"}) {
    EXPECT_EQ(Judge(shape, 5, Message("", content)), Verdict::kWrong);
    AnswerReader reader;
    AnswerHeadParser heads;
    const std::string both = Message("", content) + Message("", Text(shape.answer, 6));
    absl::string_view input = both;
    EXPECT_EQ(reader.Step(shape, &heads, 5, &input), Verdict::kWrong);
    EXPECT_EQ(reader.Step(shape, &heads, 6, &input), Verdict::kRight);
    EXPECT_TRUE(input.empty());
  }
}

TEST(AnswerReader, AnErrorAnswerIsCountedByItsStatus) {
  const LoadShape shape = Shape({"--target=message://:1"});
  for (const auto& [status, name] :
       {std::pair<const char*, const char*>{"overloaded", "overloaded"},
        {"unavailable", "unavailable"},
        {"brand_new", "other_status"}}) {
    const std::string bytes = Message(absl::StrCat(R"(, "status": ")", status, "\""), "why");
    EXPECT_EQ(Judge(shape, 5, bytes), Verdict::kRefused);
    AnswerReader reader;
    AnswerHeadParser heads;
    absl::string_view input = bytes;
    reader.Step(shape, &heads, 5, &input);
    EXPECT_EQ(ErrorKindName(reader.refused_with()), name);
  }
}

TEST(AnswerReader, SeesThatTheServerIsAboutToClose) {
  const LoadShape shape = Shape({"--target=message://:1"});
  AnswerReader reader;
  AnswerHeadParser heads;
  const std::string bytes = Message("", Text(shape.answer, 1)) +
                            Message(R"(, "connection": "close")", Text(shape.answer, 2));
  absl::string_view input = bytes;
  EXPECT_EQ(reader.Step(shape, &heads, 1, &input), Verdict::kRight);
  EXPECT_FALSE(reader.closes());
  EXPECT_EQ(reader.Step(shape, &heads, 2, &input), Verdict::kRight);
  EXPECT_TRUE(reader.closes());
}

TEST(AnswerReader, AHeaderThatIsNoneEndsTheStream) {
  const LoadShape shape = Shape({"--target=message://:1"});
  EXPECT_EQ(Judge(shape, 5, absl::string_view("\0\0", 2)), Verdict::kMalformed);
  EXPECT_EQ(Judge(shape, 5, absl::string_view("\0\2{}", 4)), Verdict::kMalformed);
  EXPECT_EQ(Judge(shape, 5, absl::string_view("\0\3xyz", 5)), Verdict::kMalformed);
}

}  // namespace
}  // namespace windlass
