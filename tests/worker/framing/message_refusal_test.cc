#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/worker/framing/cut_stream.h"
#include "tests/worker/framing/message_reference.h"
#include "worker/framing/message_framing.h"

// The refusal table of wire.md: which bad frames have an end (kRefused, the connection goes on) and
// which have not (kLost), and what the client is told.

namespace windlass {
namespace {

using framing_test::CutWhole;
using framing_test::Seen;
using framing_test::WithLength;

constexpr uint64_t kMaxHeader = 4000;
constexpr uint64_t kMaxContent = 1000;
constexpr absl::string_view kGood =
    R"({"byteorder": "big", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 5})";

std::string Without(absl::string_view part) { return absl::StrReplaceAll(kGood, {{part, ""}}); }
std::string With(absl::string_view part, absl::string_view instead) {
  return absl::StrReplaceAll(kGood, {{part, instead}});
}
std::string Plus(absl::string_view more) { return With("}", absl::StrCat(", ", more, "}")); }
std::string WithContentLength(absl::string_view value) {
  return With(R"("content-length": 5)", absl::StrCat(R"("content-length": )", value));
}

std::vector<Seen> Cut(absl::string_view stream) {
  MessageFraming framing({.max_header_bytes = kMaxHeader, .max_content_bytes = kMaxContent});
  return CutWhole(&framing, stream);
}

// Refused with this message; the next frame on the connection is read.
void ExpectRefused(const std::string& header, absl::string_view message) {
  const std::vector<Seen> seen =
      Cut(absl::StrCat(WithLength(header), "12345", WithLength(std::string(kGood)), "hello"));
  ASSERT_EQ(seen.size(), 2u) << header;
  EXPECT_EQ(seen[0].outcome, CutOutcome::kRefused) << header;
  EXPECT_EQ(seen[0].code, ErrorCode::kInvalidArgument) << header;
  EXPECT_EQ(seen[0].message, message) << header;
  EXPECT_EQ(seen[0].content, "12345") << header;
  EXPECT_EQ(seen[1].outcome, CutOutcome::kRequest) << header;
  EXPECT_EQ(seen[1].content, "hello") << header;
}

void ExpectLost(const std::string& header, ErrorCode code, absl::string_view message_start) {
  const std::vector<Seen> seen = Cut(WithLength(header) + "12345");
  ASSERT_EQ(seen.size(), 1u) << header;
  EXPECT_EQ(seen[0].outcome, CutOutcome::kLost) << header;
  EXPECT_EQ(seen[0].code, code) << header;
  EXPECT_EQ(seen[0].message.substr(0, message_start.size()), message_start) << header;
}

void ExpectNoObject(const std::string& header) {
  ExpectLost(header, ErrorCode::kInvalidArgument, "header is not a JSON object");
}

void ExpectRequest(const std::string& header) {
  const std::vector<Seen> seen = Cut(WithLength(header) + "hello");
  ASSERT_EQ(seen.size(), 1u) << header;
  EXPECT_EQ(seen[0].outcome, CutOutcome::kRequest) << header << ": " << seen[0].message;
  EXPECT_EQ(seen[0].content, "hello");
}

TEST(MessageRefusal, TheGoodHeaderIsGood) { ExpectRequest(std::string(kGood)); }

TEST(MessageRefusal, AMissingKeyIsRefusedByName) {
  ExpectRefused(Without(R"("byteorder": "big", )"), "missing header key 'byteorder'");
  ExpectRefused(Without(R"("content-type": "text/json", )"), "missing header key 'content-type'");
  ExpectRefused(Without(R"("content-encoding": "utf-8", )"),
                "missing header key 'content-encoding'");
}

TEST(MessageRefusal, AMissingContentLengthLosesThePlace) {
  ExpectLost(Without(R"(, "content-length": 5)"), ErrorCode::kInvalidArgument,
             "missing header key 'content-length'");
  ExpectLost("{}", ErrorCode::kInvalidArgument, "missing header key 'content-length'");
}

TEST(MessageRefusal, KeysAreCaseSensitive) {
  ExpectRefused(With("byteorder", "Byteorder"), "missing header key 'byteorder'");
}

TEST(MessageRefusal, ADuplicateKeyIsRefusedByName) {
  ExpectRefused(Plus(R"("byteorder": "big")"), "duplicate header key 'byteorder'");
  ExpectRefused(Plus(R"("content-type": "text/json")"), "duplicate header key 'content-type'");
  ExpectRefused(Plus(R"("content-encoding": "utf-8")"), "duplicate header key 'content-encoding'");
}

TEST(MessageRefusal, ADuplicateIsFoundBehindAnEscape) {
  ExpectRefused(Plus(R"("byteord\u0065r": "big")"), "duplicate header key 'byteorder'");
}

TEST(MessageRefusal, ADuplicateContentLengthLosesThePlaceEvenIfBothSayTheSame) {
  ExpectLost(Plus(R"("content-length": 5)"), ErrorCode::kInvalidArgument,
             "duplicate header key 'content-length'");
}

TEST(MessageRefusal, DuplicateUnknownKeysAreTheHandlersAffair) {
  ExpectRequest(Plus(R"("x": 1, "x": 2)"));
}

TEST(MessageRefusal, AMistypedKeyIsRefusedByName) {
  for (const absl::string_view value :
       {"1", "null", "true", R"(["big"])", R"({"a": "big"})", R"("Big")", R"("")", R"(" big")"}) {
    ExpectRefused(With(R"("big")", value), R"(header key 'byteorder' must be "little" or "big")");
  }
  for (const absl::string_view value : {"1", "null", "false", "[]", "{}"}) {
    ExpectRefused(With(R"("text/json")", value), "header key 'content-type' must be a string");
    ExpectRefused(With(R"("utf-8")", value), "header key 'content-encoding' must be a string");
  }
}

TEST(MessageRefusal, AContentLengthThatIsNoCountLosesThePlace) {
  for (const absl::string_view value : {"-1", "-9223372036854775808", "5.0", "5.5", "5e0", "5E1",
                                        R"("5")", "null", "true", "[5]", "{}"}) {
    ExpectLost(WithContentLength(value), ErrorCode::kInvalidArgument,
               "header key 'content-length' must be an integer >= 0");
  }
}

TEST(MessageRefusal, AContentLengthThatIsNoJsonNumberLosesThePlace) {
  for (const absl::string_view value :
       {"05", "+5", "0x5", "5.", ".5", "5e", "-", "--5", "5 5", "NaN", "Infinity"}) {
    ExpectNoObject(WithContentLength(value));
  }
}

TEST(MessageRefusal, ContentOverTheLimitIsTooLarge) {
  ExpectLost(WithContentLength("1001"), ErrorCode::kTooLarge,
             "content-length 1001, the limit is 1000");
  ExpectLost(WithContentLength("18446744073709551615"), ErrorCode::kTooLarge,
             "content-length 18446744073709551615");
  EXPECT_EQ(Cut(WithLength(WithContentLength("1000"))).at(0).outcome, CutOutcome::kRequest);
}

TEST(MessageRefusal, AnOverlongContentLengthLosesThePlace) {
  for (const absl::string_view value :
       {"18446744073709551616", "99999999999999999999999999", "-9223372036854775809"}) {
    EXPECT_EQ(Cut(WithLength(WithContentLength(value))).at(0).outcome, CutOutcome::kLost) << value;
  }
}

TEST(MessageRefusal, AHeaderOverTheLimitIsTooLargeBeforeItHasCome) {
  const std::vector<Seen> seen = Cut(absl::string_view("\x0f\xa1", 2));  // 4001
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].outcome, CutOutcome::kLost);
  EXPECT_EQ(seen[0].code, ErrorCode::kTooLarge);
  EXPECT_EQ(seen[0].message, "header of 4001 bytes, the limit is 4000");
}

TEST(MessageRefusal, AHeaderOfExactlyTheLimitIsRead) {
  std::string header(kGood);
  header.append(kMaxHeader - header.size(), ' ');
  ExpectRequest(header);
  EXPECT_EQ(Cut(WithLength(header + " ")).at(0).code, ErrorCode::kTooLarge);
}

TEST(MessageRefusal, AHeaderThatIsNoObjectLosesThePlace) {
  for (const char* header :
       {"", " ", "[]", "null", "5", R"("text")", "true", "{", "}", "{]", "[{}]"}) {
    ExpectNoObject(header);
  }
}

TEST(MessageRefusal, SomethingBehindTheObjectLosesThePlace) {
  for (const char* behind : {"{}", ",", "x", "}", "0", "\"\""})
    ExpectNoObject(std::string(kGood) + behind);
  ExpectNoObject(std::string(kGood) + '\0');
}

TEST(MessageRefusal, BlanksAroundTheObjectAreFine) {
  ExpectRequest(absl::StrCat(" \t\r\n", kGood, " \t\r\n"));
}

TEST(MessageRefusal, AContentLengthProblemOutweighsEveryOther) {
  ExpectLost(R"({"byteorder": 1, "content-length": -1})", ErrorCode::kInvalidArgument,
             "header key 'content-length'");
}

TEST(MessageRefusal, ARequestIdIsAStringOfAtMost256Bytes) {
  const absl::string_view message = "header key 'request-id' must be a string of at most 256 bytes";
  for (const absl::string_view value : {"1", "null", "[]", "{}", "true"}) {
    ExpectRefused(Plus(absl::StrCat(R"("request-id": )", value)), message);
  }
  ExpectRefused(Plus(absl::StrCat(R"("request-id": ")", std::string(257, 'r'), "\"")), message);
  ExpectRequest(Plus(absl::StrCat(R"("request-id": ")", std::string(256, 'r'), "\"")));
}

TEST(MessageRefusal, ARequestIdIsMeasuredAfterItsEscapesAreRead) {
  std::string escaped;
  for (int i = 0; i < 256; ++i) escaped += "\\u0041";
  ExpectRequest(Plus(absl::StrCat(R"("request-id": ")", escaped, "\"")));
}

TEST(MessageRefusal, AHandlerIsAString) {
  for (const absl::string_view value : {"1", "null", "[]", "{}", "true"}) {
    ExpectRefused(Plus(absl::StrCat(R"("handler": )", value)),
                  "header key 'handler' must be a string");
  }
}

TEST(MessageRefusal, ADeadlineIsAnIntegerFromOneToADayOfMilliseconds) {
  for (const absl::string_view value :
       {"0", "-1", "86400001", "1.0", "1e3", "\"5\"", "null", "18446744073709551615"}) {
    ExpectRefused(Plus(absl::StrCat(R"("deadline-ms": )", value)),
                  "header key 'deadline-ms' must be an integer from 1 to 86400000");
  }
  ExpectRequest(Plus(R"("deadline-ms": 1)"));
  ExpectRequest(Plus(R"("deadline-ms": 86400000)"));
}

TEST(MessageRefusal, AConnectionIsOneOfTwoWords) {
  for (const absl::string_view value : {"1", "null", R"("Close")", R"("")", R"("upgrade")", "[]"}) {
    ExpectRefused(Plus(absl::StrCat(R"("connection": )", value)),
                  R"(header key 'connection' must be "keep-alive" or "close")");
  }
}

TEST(MessageRefusal, ADuplicateOptionalKeyIsRefusedByName) {
  ExpectRefused(Plus(R"("request-id": "a", "request-id": "b")"),
                "duplicate header key 'request-id'");
  ExpectRefused(Plus(R"("handler": "a", "handler": "a")"), "duplicate header key 'handler'");
  ExpectRefused(Plus(R"("deadline-ms": 1, "deadline-ms": 2)"),
                "duplicate header key 'deadline-ms'");
  ExpectRefused(Plus(R"("connection": "close", "connection": "close")"),
                "duplicate header key 'connection'");
}

TEST(MessageRefusal, ARefusedFrameLeavesNothingForTheNext) {
  const std::vector<Seen> seen =
      Cut(absl::StrCat(WithLength(Plus(R"("deadline-ms": 0, "request-id": "a", "x": 1)")), "12345",
                       WithLength(std::string(kGood)), "hello"));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_FALSE(seen[1].has_request_id);
  EXPECT_EQ(seen[1].header, "");
}

// --- Parts that nobody reads are parsed as strictly: RFC 8259
// ---------------------------------------------------------

TEST(MessageRefusal, InvalidUtf8AnywhereLosesThePlace) {
  // clang-format off
  const std::vector<std::string> bad = {
      "\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xe0\x80\xaf", "\xe0\x9f\xbf",
      "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
      "\xf0\x9f\x90", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe",
      "\xff"};
  // clang-format on
  for (const std::string& bytes : bad) {
    ExpectNoObject(Plus(absl::StrCat(R"("x": ")", bytes, "\"")));
    ExpectNoObject(Plus(absl::StrCat("\"", bytes, R"(": 1)")));
    ExpectNoObject(With("text/json", bytes));
    ExpectNoObject(absl::StrCat(kGood, bytes));
  }
}

TEST(MessageRefusal, ValidUtf8OfEveryLengthIsFine) {
  ExpectRequest(
      Plus("\"\u00fc\u20ac\U0001F407\": "
           "\"\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff\""));
}

TEST(MessageRefusal, MalformedValuesThatNobodyReadsLoseThePlace) {
  // clang-format off
  const std::vector<std::string> bad = {
      "", "01", "-01", "+1", "1.", ".1", "-.1", "1.e1", "1e", "1e+", "0x1", "1a", "-", "NaN",
      "-Infinity", "tru", "truee", "True", "nul", "nulll", "falsy", "'x'", "\"", "\"x", "\"\\\"",
      "\"\\x\"", "\"\\a\"", "\"\\u12\"", "\"\\u12g4\"", "[", "]", "[1", "[1,]", "[,1]", "[1 2]",
      "[1,,2]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}",
      "{\"a\":1 \"b\":2}", "{\"a\" 1}", "[1}", "{\"a\":1]", "1,", "/**/1", "1//", "\"\n\"",
      "\"\t\"", "\"\x01\"", std::string("\"\0\"", 3), std::string("\0", 1), "\x0c" "1",
      "\u00a0" "1"};
  // clang-format on
  for (const std::string& value : bad) ExpectNoObject(Plus(absl::StrCat(R"("x": )", value)));
}

TEST(MessageRefusal, MalformedValuesDeepInsideLoseThePlaceToo) {
  for (const char* value :
       {"[[[[01]]]]", R"({"a": {"b": [{"c": tru}]}})", R"([{"a": "\x"}])", "[[[[]]]"}) {
    ExpectNoObject(Plus(absl::StrCat(R"("x": )", value)));
  }
}

TEST(MessageRefusal, WellFormedValuesThatNobodyReadsAreFine) {
  // clang-format off
  const std::vector<std::string> good = {
      "0", "-0", "-0.0", "1", "-1", "1.5", "1e3", "1E+3", "1e-3", "0.1e1", "9223372036854775807",
      "18446744073709551615", "-9223372036854775808", "true", "false", "null", R"("")",
      R"("\"\\\/\b\f\n\r\t\u00fc")", R"("\ud83d\udc07")", R"("\u0000")", "[]", "{}", "[ ]", "{ }",
      "[[],[[]],{}]", R"({"a":{"b":[1,"2",null]}})", R"({"":1})", R"({"a":1,"a":2})"};
  // clang-format on
  for (const std::string& value : good) ExpectRequest(Plus(absl::StrCat(R"("x": )", value)));
}

// What is echoed must be UTF-8 again, and half a surrogate pair cannot be.
TEST(MessageRefusal, HalfASurrogatePairIsNoText) {
  for (const char* half : {R"(\ud83d)", R"(\udc07)", R"(\ud83dx)", R"(\ud83d\n)", R"(\ud83d\ud83d)",
                           R"(\udc07\ud83d)"}) {
    ExpectNoObject(Plus(absl::StrCat(R"("request-id": ")", half, "\"")));
  }
}

TEST(MessageRefusal, NestingWithoutEndIsRefusedAndEndsNobody) {
  const std::string open(1500, '['), close(1500, ']');
  EXPECT_EQ(Cut(WithLength(Plus(absl::StrCat(R"("x": )", open, close)))).size(), 1u);
  ExpectNoObject(Plus(absl::StrCat(R"("x": )", open)));
}

TEST(MessageRefusal, EveryCutOfARefusedFrameIsTheSameRefusal) {
  MessageFraming framing({.max_header_bytes = kMaxHeader, .max_content_bytes = kMaxContent});
  framing_test::ExpectSameFramesHoweverCut(&framing,
                                           absl::StrCat(WithLength(With(R"("big")", "5")), "12345",
                                                        WithLength(std::string(kGood)), "hel"));
  framing_test::ExpectSameFramesHoweverCut(&framing, WithLength(WithContentLength("-1")) + "12345");
  framing_test::ExpectSameFramesHoweverCut(&framing, absl::string_view("\xff\xff{", 3));
}

}  // namespace
}  // namespace windlass
