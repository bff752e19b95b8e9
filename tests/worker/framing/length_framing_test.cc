#include "worker/framing/length_framing.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/worker/framing/cut_stream.h"

namespace windlass {
namespace {

using framing_test::CutWhole;
using framing_test::Seen;

constexpr uint64_t kNoLimit = UINT64_MAX;

Seen Lost(ErrorCode code) {
  Seen lost;
  lost.outcome = CutOutcome::kLost;
  lost.code = code;
  return lost;
}

// Decimal numbers without arithmetic: the longer one is larger, else the later one in the
// dictionary.
bool DecimalIsOver(std::string digits, const std::string& limit) {
  while (digits.size() > 1 && digits[0] == '0') digits.erase(0, 1);
  return digits.size() != limit.size() ? digits.size() > limit.size() : digits > limit;
}

// Slow and obvious: a copy of the rest of the stream for every frame, and strings for numbers.
std::vector<Seen> Reference(std::string stream, uint64_t max_content_bytes) {
  std::vector<Seen> frames;
  while (!stream.empty()) {
    const std::string digits = stream.substr(0, stream.find_first_not_of("0123456789"));
    if (digits.size() > 20) return frames.push_back(Lost(ErrorCode::kInvalidArgument)), frames;
    std::string rest = stream.substr(digits.size());
    if (rest.empty()) return frames;
    if (digits.empty()) return frames.push_back(Lost(ErrorCode::kInvalidArgument)), frames;
    if (rest[0] == '\r') rest.erase(0, 1);
    if (rest.empty()) return frames;
    if (rest[0] != '\n') return frames.push_back(Lost(ErrorCode::kInvalidArgument)), frames;
    if (DecimalIsOver(digits, std::to_string(max_content_bytes))) {
      return frames.push_back(Lost(ErrorCode::kTooLarge)), frames;
    }
    rest.erase(0, 1);
    Seen frame;
    frame.outcome = CutOutcome::kRequest;
    frame.head_bytes = stream.size() - rest.size();
    frame.content_bytes = std::stoull(digits);
    frame.content = rest.substr(0, frame.content_bytes);
    frames.push_back(frame);
    stream = rest.substr(frame.content.size());
    if (frame.content.size() < frame.content_bytes) return frames;
  }
  return frames;
}

void ExpectLost(absl::string_view stream, ErrorCode code, uint64_t limit = kNoLimit) {
  LengthFraming framing(limit);
  framing_test::ExpectSameMeaning(CutWhole(&framing, stream), {Lost(code)}, stream);
  framing_test::ExpectSameFramesHoweverCut(&framing, stream);
}

void ExpectLength(absl::string_view head, uint64_t length, uint64_t limit = kNoLimit) {
  LengthFraming framing(limit);
  const std::vector<Seen> seen = CutWhole(&framing, head);
  ASSERT_EQ(seen.size(), 1u) << head;
  EXPECT_EQ(seen[0].outcome, CutOutcome::kRequest) << head;
  EXPECT_EQ(seen[0].head_bytes, head.size()) << head;
  EXPECT_EQ(seen[0].content_bytes, length) << head;
  framing_test::ExpectSameFramesHoweverCut(&framing, head);
}

TEST(LengthFraming, ABodyOfThatManyBytesIsARequest) {
  LengthFraming framing(100);
  const std::vector<Seen> seen = CutWhole(&framing, "5\nhello");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].content, "hello");
  EXPECT_EQ(seen[0].head_bytes, 2u);
  EXPECT_EQ(seen[0].tail_bytes, 0u);
}

TEST(LengthFraming, ZeroIsAnEmptyMessage) {
  ExpectLength("0\n", 0);
  ExpectLength("0\n", 0, /*limit=*/0);
}

TEST(LengthFraming, TheBodyIsOpaque) {
  LengthFraming framing(100);
  const std::string body("1\n\0\xff", 4);
  const std::vector<Seen> seen = CutWhole(&framing, "4\n" + body + "2\nab");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].content, body);
  EXPECT_EQ(seen[1].content, "ab");
}

TEST(LengthFraming, LeadingZerosAreFine) { ExpectLength("0005\n", 5); }
TEST(LengthFraming, OneCarriageReturnBeforeTheNewlineIsFine) { ExpectLength("5\r\n", 5); }

TEST(LengthFraming, TwentyDigitsAreFineAndTwentyOneAreNot) {
  ExpectLength("00000000000000000005\n", 5);
  ExpectLength("18446744073709551615\r\n", UINT64_MAX);
  ExpectLost("000000000000000000005\n", ErrorCode::kInvalidArgument);
}

TEST(LengthFraming, TooManyDigitsAreRefusedBeforeTheNewlineHasCome) {
  ExpectLost(std::string(21, '0'), ErrorCode::kInvalidArgument);
}

TEST(LengthFraming, TwoCarriageReturnsAreRefused) {
  ExpectLost("5\r\r\n", ErrorCode::kInvalidArgument);
}
TEST(LengthFraming, ACarriageReturnWithoutANewlineIsRefused) {
  ExpectLost("5\rhello", ErrorCode::kInvalidArgument);
}

TEST(LengthFraming, ASignIsRefused) {
  ExpectLost("+5\nhello", ErrorCode::kInvalidArgument);
  ExpectLost("-5\nhello", ErrorCode::kInvalidArgument);
  ExpectLost("-0\n", ErrorCode::kInvalidArgument);
}

TEST(LengthFraming, ABlankIsRefused) {
  ExpectLost(" 5\nhello", ErrorCode::kInvalidArgument);
  ExpectLost("5 \nhello", ErrorCode::kInvalidArgument);
  ExpectLost("\t5\nhello", ErrorCode::kInvalidArgument);
  ExpectLost("1 0\n", ErrorCode::kInvalidArgument);
}

TEST(LengthFraming, ANonDigitIsRefused) {
  ExpectLost("five\n", ErrorCode::kInvalidArgument);
  ExpectLost("0x5\nhello", ErrorCode::kInvalidArgument);
  ExpectLost("5.0\nhello", ErrorCode::kInvalidArgument);
  ExpectLost("5,\nhello", ErrorCode::kInvalidArgument);
  ExpectLost(std::string("5\0\n", 3), ErrorCode::kInvalidArgument);
  ExpectLost("\xd9\xa5\n", ErrorCode::kInvalidArgument);  // ARABIC-INDIC DIGIT FIVE
}

TEST(LengthFraming, NoDigitsAtAllAreRefused) {
  ExpectLost("\n", ErrorCode::kInvalidArgument);
  ExpectLost("\r\n", ErrorCode::kInvalidArgument);
}

TEST(LengthFraming, TheLimitItselfIsFineAndOneMoreIsTooLarge) {
  ExpectLength("100\n", 100, /*limit=*/100);
  ExpectLost("101\n", ErrorCode::kTooLarge, /*limit=*/100);
}

TEST(LengthFraming, ALengthThatOverflowsIsTooLargeEvenWithoutALimit) {
  ExpectLost("18446744073709551616\n", ErrorCode::kTooLarge);
  ExpectLost("99999999999999999999\n", ErrorCode::kTooLarge);
}

TEST(LengthFraming, TheRefusalNamesTheLimit) {
  LengthFraming framing(100);
  EXPECT_EQ(CutWhole(&framing, "101\n").at(0).message, "body over the limit of 100 bytes");
}

TEST(LengthFraming, EveryCutOfShortStreamsGivesTheSameBodies) {
  LengthFraming framing(20);
  for (const absl::string_view stream :
       {"5\nhello0\n3\r\nabc", "5\nhel", "1\n\n1\n\n", "020\n01234567890123456789", "21\n",
        "3\nabcx", "12345678901234567890123\n", "7\r", "7"}) {
    framing_test::ExpectSameFramesHoweverCut(&framing, stream);
  }
}

TEST(LengthFraming, AgreesWithTheReferenceOnGeneratedStreams) {
  std::mt19937 random(19700101);
  constexpr absl::string_view kNoise("0159\r\n +-x\0", 11);
  for (int round = 0; round < 4000; ++round) {
    const uint64_t limit = round % 7 == 0 ? kNoLimit : random() % 30;
    LengthFraming framing(limit);
    std::string stream;
    for (unsigned frames = random() % 4; frames > 0; --frames) {
      const size_t length = random() % 12;
      stream += std::string(random() % 3, '0') + std::to_string(length);
      if (random() % 3 == 0) stream += '\r';
      stream += '\n' + std::string(length, static_cast<char>(random()));
    }
    if (random() % 2 == 0) {
      for (unsigned noise = random() % 26; noise > 0; --noise) {
        stream += kNoise[random() % (random() % 2 == 0 ? 4 : kNoise.size())];
      }
    }
    framing_test::ExpectSameMeaning(CutWhole(&framing, stream), Reference(stream, limit), stream);
    if (round % 20 == 0) framing_test::ExpectSameFramesHoweverCut(&framing, stream);
    if (HasFatalFailure()) return;
  }
}

TEST(LengthFraming, AnAnswerIsTheBodyAlone) {
  LengthFraming framing(100);
  std::string out = "before";
  ResponseHead head;
  head.content_bytes = 4;
  framing.AppendResponseHead(head, &out);
  EXPECT_EQ(out, "before");
  EXPECT_EQ(framing.ResponseTail(), "");
}

TEST(LengthFraming, HasNoRoomForAnError) {
  LengthFraming framing(100);
  std::string out;
  EXPECT_FALSE(framing.AppendError(ResponseHead{}, "message", &out));
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace windlass
