#include "worker/framing/message_framing.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "tests/worker/framing/cut_stream.h"
#include "tests/worker/framing/message_reference.h"

// The vectors of wire.md, what a good request means, and what answers look like. Refusals:
// message_refusal_test.cc.

namespace windlass {
namespace {

using framing_test::CutWhole;
using framing_test::Seen;
using framing_test::WithLength;

constexpr absl::string_view kRabbit =
    "\0d{\"byteorder\": \"big\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", "
    "\"content-length\": 41}{\"action\": \"search\", \"value\": \"morpheus\"}";
constexpr absl::string_view kBinary =
    "\0|{\"byteorder\": \"big\", \"content-type\": \"binary/custom-client-binary-type\", "
    "\"content-encoding\": \"binary\", \"content-length\": 10}binary\xf0\x9f\x98\x83";
// string_view's own constructor would stop at the \0 in front.
const absl::string_view kRabbitFrame(kRabbit.data(), 2 + 100 + 41);
const absl::string_view kBinaryFrame(kBinary.data(), 2 + 124 + 10);

MessageFraming MakeFraming() {
  return MessageFraming({.max_header_bytes = 65535, .max_content_bytes = 1000});
}

// The required keys with content-length 0, and `more` after them.
std::string Header(absl::string_view more) {
  return absl::StrCat(R"({"byteorder": "little", "content-type": "t", "content-encoding": "e", )",
                      R"("content-length": 0)", more, "}");
}

Seen CutOneFrame(absl::string_view frame) {
  MessageFraming framing = MakeFraming();
  const std::vector<Seen> seen = CutWhole(&framing, frame);
  EXPECT_EQ(seen.size(), 1u) << frame;
  return seen.empty() ? Seen{} : seen[0];
}

std::string ResponseHeadOf(const ResponseHead& head) {
  MessageFraming framing = MakeFraming();
  std::string out;
  framing.AppendResponseHead(head, &out);
  return out;
}

TEST(MessageFraming, ReadsTheTextRequestOfTheSpecification) {
  const Seen seen = CutOneFrame(kRabbitFrame);
  EXPECT_EQ(seen.outcome, CutOutcome::kRequest);
  EXPECT_EQ(seen.head_bytes, 102u);
  EXPECT_EQ(seen.content, R"({"action": "search", "value": "morpheus"})");
  EXPECT_EQ(seen.content_type, "text/json");
  EXPECT_EQ(seen.content_encoding, "utf-8");
  EXPECT_TRUE(seen.big_endian);
  EXPECT_FALSE(seen.has_request_id);
  EXPECT_EQ(seen.handler, "");
  EXPECT_EQ(seen.deadline_ms, 0u);
  EXPECT_FALSE(seen.close_after);
  EXPECT_EQ(seen.header, "") << "there are no other keys";
}

TEST(MessageFraming, ReadsTheBinaryRequestOfTheSpecification) {
  const Seen seen = CutOneFrame(kBinaryFrame);
  EXPECT_EQ(seen.outcome, CutOutcome::kRequest);
  EXPECT_EQ(seen.head_bytes, 126u);
  EXPECT_EQ(seen.content, "binary\xf0\x9f\x98\x83");
  EXPECT_EQ(seen.content_type, "binary/custom-client-binary-type");
  EXPECT_EQ(seen.content_encoding, "binary");
}

TEST(MessageFraming, EveryCutOfTheSpecificationsRequestsGivesTheSameFrames) {
  MessageFraming framing = MakeFraming();
  framing_test::ExpectSameFramesHoweverCut(&framing, kRabbitFrame);
  framing_test::ExpectSameFramesHoweverCut(&framing, absl::StrCat(kBinaryFrame, kRabbitFrame));
}

TEST(MessageFraming, AsksForTheLengthThenForTheHeader) {
  MessageFraming framing = MakeFraming();
  const std::string input = std::string(kRabbitFrame) + std::string(kInputPadding, '\0');
  for (const auto& [have, need] :
       std::vector<std::pair<size_t, uint32_t>>{{0, 2}, {1, 2}, {2, 102}, {101, 102}}) {
    CutState state;
    RequestHead head;
    FrameError error;
    EXPECT_EQ(framing.CutHead(absl::string_view(input.data(), have), &state, &head, &error),
              CutOutcome::kNeedMore);
    EXPECT_EQ(state.need, need) << have;
  }
}

TEST(MessageFraming, IsARequestBeforeItsContentHasCome) {
  const Seen seen = CutOneFrame(kRabbitFrame.substr(0, 102));
  EXPECT_EQ(seen.outcome, CutOutcome::kRequest);
  EXPECT_EQ(seen.content_bytes, 41u);
}

TEST(MessageFraming, ContentOfNoBytesIsFine) {
  EXPECT_EQ(CutOneFrame(WithLength(Header(""))).outcome, CutOutcome::kRequest);
}

TEST(MessageFraming, OptionalKeysAreRead) {
  const Seen seen = CutOneFrame(WithLength(Header(
      R"(, "request-id": "a-1", "handler": "search", "deadline-ms": 1500, "connection": "close")")));
  EXPECT_EQ(seen.outcome, CutOutcome::kRequest);
  EXPECT_TRUE(seen.has_request_id);
  EXPECT_EQ(seen.request_id, "a-1");
  EXPECT_EQ(seen.handler, "search");
  EXPECT_EQ(seen.deadline_ms, 1500u);
  EXPECT_TRUE(seen.close_after);
  EXPECT_EQ(seen.header, "") << "all of them are known keys";
}

TEST(MessageFraming, AnEmptyRequestIdIsThereAndIsNotTheSameAsNone) {
  EXPECT_TRUE(CutOneFrame(WithLength(Header(R"(, "request-id": "")"))).has_request_id);
}

TEST(MessageFraming, KeepAliveDoesNotClose) {
  EXPECT_FALSE(CutOneFrame(WithLength(Header(R"(, "connection": "keep-alive")"))).close_after);
}

TEST(MessageFraming, OptionalKeysAreForgottenByTheNextFrame) {
  MessageFraming framing = MakeFraming();
  const std::string loaded = WithLength(Header(
      R"(, "request-id": "a", "handler": "h", "deadline-ms": 1, "connection": "close", "x": 1)"));
  const std::vector<Seen> seen = CutWhole(&framing, loaded + WithLength(Header("")));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_FALSE(seen[1].has_request_id);
  EXPECT_EQ(seen[1].request_id, "");
  EXPECT_EQ(seen[1].handler, "");
  EXPECT_EQ(seen[1].deadline_ms, 0u);
  EXPECT_FALSE(seen[1].close_after);
  EXPECT_EQ(seen[1].header, "");
}

TEST(MessageFraming, AHeaderWithUnknownKeysReachesTheHandlerWhole) {
  const std::string header = Header(R"(, "trace": {"id": [1, 2]})");
  const Seen seen = CutOneFrame(WithLength(header));
  EXPECT_EQ(seen.outcome, CutOutcome::kRequest);
  EXPECT_EQ(seen.header, header);
}

// Answers have a status, requests have not: there it is a key like any other.
TEST(MessageFraming, AStatusInARequestIsAnUnknownKey) {
  for (const absl::string_view more : {R"(, "status": "ok")", R"(, "status": 200)"}) {
    const std::string header = Header(more);
    const Seen seen = CutOneFrame(WithLength(header));
    EXPECT_EQ(seen.outcome, CutOutcome::kRequest) << more << ": " << seen.message;
    EXPECT_EQ(seen.header, header) << more;
  }
}

TEST(MessageFraming, KeysAreComparedAfterTheirEscapesAreRead) {
  const Seen seen = CutOneFrame(WithLength(Header(R"(, "h\u0061ndler": "se\u0061rch")")));
  EXPECT_EQ(seen.handler, "search");
}

TEST(MessageFraming, KeysInsideOfValuesDoNotCount) {
  const Seen seen =
      CutOneFrame(WithLength(Header(R"(, "x": {"handler": "no", "content-length": 7})")));
  EXPECT_EQ(seen.outcome, CutOutcome::kRequest);
  EXPECT_EQ(seen.handler, "");
  EXPECT_EQ(seen.content_bytes, 0u);
}

TEST(MessageFraming, TheLongestHeaderThatTheLengthCanSayIsRead) {
  const size_t room = 65535 - Header(R"(, "x": "")").size();
  const std::string header = Header(absl::StrCat(R"(, "x": ")", std::string(room, 'x'), "\""));
  ASSERT_EQ(header.size(), 65535u);
  EXPECT_EQ(CutOneFrame(WithLength(header)).outcome, CutOutcome::kRequest);
}

TEST(MessageFraming, WritesTheResponseHeadsOfTheSpecification) {
  if (std::endian::native != std::endian::little) GTEST_SKIP() << "the vectors are little-endian";
  ResponseHead head;
  head.content_type = "text/json";
  head.content_encoding = "utf-8";
  head.content_bytes = 43;
  const absl::string_view text =
      "g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": "
      "\"utf-8\", "
      "\"content-length\": 43}";
  EXPECT_EQ(ResponseHeadOf(head), std::string(1, '\0') + std::string(text));
  head.content_type = "binary/custom-server-binary-type";
  head.content_encoding = "binary";
  head.content_bytes = 37;
  const absl::string_view binary =
      "\x7f{\"byteorder\": \"little\", \"content-type\": \"binary/custom-server-binary-type\", "
      "\"content-encoding\": \"binary\", \"content-length\": 37}";
  EXPECT_EQ(ResponseHeadOf(head), std::string(1, '\0') + std::string(binary));
}

TEST(MessageFraming, ResponseKeysComeInTheOrderOfTheSpecification) {
  ResponseHead head;
  head.status = ErrorCode::kNotFound;
  head.content_type = "t";
  head.content_encoding = "e";
  head.request_id = "";
  head.has_request_id = true;
  head.close = true;
  EXPECT_EQ(ResponseHeadOf(head).substr(2),
            absl::StrCat(
                "{\"byteorder\": \"", std::endian::native == std::endian::little ? "little" : "big",
                "\", \"content-type\": \"t\", \"content-encoding\": \"e\", \"content-length\": 0, "
                "\"status\": \"not_found\", \"request-id\": \"\", \"connection\": \"close\"}"));
}

TEST(MessageFraming, AResponseIsAppendedToWhatIsThere) {
  MessageFraming framing = MakeFraming();
  std::string out = "before";
  framing.AppendResponseHead(ResponseHead{}, &out);
  EXPECT_EQ(out.substr(0, 6), "before");
  EXPECT_EQ(framing.ResponseTail(), "");
}

TEST(MessageFraming, AnEchoedRequestIdComesBackAsItWasForEveryByte) {
  std::string id;
  for (int c = 1; c < 128; ++c) id += static_cast<char>(c);
  id += std::string(1, '\0') + "\u00fc\U0001F407\"\\/";
  ResponseHead head;
  head.request_id = id;
  head.has_request_id = true;
  const Seen seen = CutOneFrame(ResponseHeadOf(head));
  EXPECT_EQ(seen.outcome, CutOutcome::kRequest) << seen.message;
  EXPECT_EQ(seen.request_id, id);
}

TEST(MessageFraming, NonAsciiIsLeftAsUtf8AndControlCharactersAreEscaped) {
  std::string out;
  AppendJsonString("\u00fc\U0001F407 \"\\/\b\f\n\r\t\x01\x1f\x7f", &out);
  EXPECT_EQ(out, "\"\u00fc\U0001F407 \\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
}

TEST(MessageFraming, AnErrorAnswerIsJsonBesideTheStatus) {
  MessageFraming framing = MakeFraming();
  ResponseHead head;
  head.status = ErrorCode::kInvalidArgument;
  head.request_id = "7";
  head.has_request_id = true;
  std::string out;
  EXPECT_TRUE(framing.AppendError(head, "header key \"x\"", &out));
  const std::string content =
      R"({"error": {"code": "invalid_argument", "message": "header key \"x\""}})";
  const Seen seen = CutOneFrame(out);
  EXPECT_EQ(seen.content, content);
  EXPECT_EQ(seen.content_bytes, content.size());
  EXPECT_EQ(seen.content_type, "text/json");
  EXPECT_EQ(seen.content_encoding, "utf-8");
  EXPECT_EQ(seen.request_id, "7");
  EXPECT_NE(out.find(R"("status": "invalid_argument")"), std::string::npos);
}

TEST(MessageFraming, AnAnswerWhoseTypeDoesNotFitIntoAHeaderStillGetsThrough) {
  const std::string type(70000, 't');
  ResponseHead head;
  head.content_type = type;
  head.content_bytes = 5;
  const Seen seen = CutOneFrame(ResponseHeadOf(head) + "hello");
  EXPECT_EQ(seen.outcome, CutOutcome::kRequest);
  EXPECT_EQ(seen.content, "hello");
  EXPECT_EQ(seen.content_type, "application/octet-stream");
}

TEST(MessageHeader, OneThatIsTooLongToWriteAppendsNothing) {
  const std::string type(65535, 't');
  MessageHeader header;
  header.content_type = type;
  std::string out = "before";
  EXPECT_FALSE(AppendMessageHeader(header, "", &out));
  EXPECT_EQ(out, "before");
}

TEST(MessageHeader, ExtraKeysGoBeforeTheClosingBrace) {
  MessageHeader header;
  header.handler = "search";
  header.deadline_ms = 10;
  std::string out;
  ASSERT_TRUE(AppendMessageHeader(header, R"(, "x": 1)", &out));
  EXPECT_EQ(out.substr(2),
            R"({"byteorder": "little", "content-type": "", "content-encoding": "", )"
            R"("content-length": 0, "handler": "search", "deadline-ms": 10, "x": 1})");
}

TEST(MessageHeader, TheStatusOfAnAnswerIsRead) {
  MessageHeader written, read;
  written.status = "not_found";
  std::string out;
  ASSERT_TRUE(AppendMessageHeader(written, "", &out));
  const size_t size = out.size() - 2;
  out.append(kInputPadding, '\0');
  MessageHeaderParser parser(MessageHeaderParser::Of::kAnswers);
  FrameError error;
  EXPECT_EQ(parser.Parse(absl::string_view(out.data() + 2, size), &read, &error),
            CutOutcome::kRequest);
  EXPECT_EQ(read.status, "not_found");
}

}  // namespace
}  // namespace windlass
