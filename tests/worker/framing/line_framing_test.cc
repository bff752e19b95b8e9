#include "worker/framing/line_framing.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/worker/framing/cut_stream.h"

namespace windlass {
namespace {

using framing_test::CutWhole;
using framing_test::Seen;

Seen Line(absl::string_view content) {
  Seen line;
  line.outcome = CutOutcome::kRequest;
  line.content_bytes = content.size();
  line.tail_bytes = 1;
  line.content = std::string(content);
  return line;
}

Seen TooLong() {
  Seen lost;
  lost.outcome = CutOutcome::kLost;
  lost.code = ErrorCode::kTooLarge;
  return lost;
}

// Slow and obvious: one character at a time.
std::vector<Seen> Reference(absl::string_view stream, size_t max_line_bytes) {
  std::vector<Seen> frames;
  std::string line;
  for (const char c : stream) {
    if (c == '\n') {
      frames.push_back(Line(line));
      line.clear();
      continue;
    }
    line += c;
    if (line.size() > max_line_bytes) {
      frames.push_back(TooLong());
      return frames;
    }
  }
  return frames;
}

std::vector<std::string> Contents(const std::vector<Seen>& frames) {
  std::vector<std::string> contents;
  for (const Seen& frame : frames) contents.push_back(frame.content);
  return contents;
}

TEST(LineFraming, LinesThatArriveInPiecesAreLines) {
  LineFraming framing(64);
  framing_test::StreamCutter cutter(&framing, framing_test::Reader::kPatient, '\n');
  cutter.Feed("hel");
  cutter.Feed("lo\nwo");
  cutter.Feed("rld\n");
  EXPECT_EQ(Contents(cutter.Finish()), (std::vector<std::string>{"hello", "world"}));
}

TEST(LineFraming, AnIncompleteLineIsNoRequest) {
  LineFraming framing(64);
  EXPECT_EQ(CutWhole(&framing, "no end").size(), 0u);
  EXPECT_EQ(CutWhole(&framing, "one\ntwo").size(), 1u);
}

TEST(LineFraming, AnEmptyLineIsARequest) {
  LineFraming framing(64);
  EXPECT_EQ(Contents(CutWhole(&framing, "\n\n")), (std::vector<std::string>{"", ""}));
}

TEST(LineFraming, BytesAreOpaque) {
  LineFraming framing(64);
  const std::string zero("a\0b", 3);
  EXPECT_EQ(Contents(CutWhole(&framing, zero + "\n\xff\xfe\r\n" + std::string(1, '\0') + "\n")),
            (std::vector<std::string>{zero, "\xff\xfe\r", std::string(1, '\0')}));
}

TEST(LineFraming, TheLimitCountsTheLineWithoutItsNewline) {
  LineFraming framing(5);
  framing_test::ExpectSameMeaning(CutWhole(&framing, "12345\n"), {Line("12345")}, "12345\\n");
  framing_test::ExpectSameMeaning(CutWhole(&framing, "123456\n"), {TooLong()}, "123456\\n");
}

TEST(LineFraming, ALineOverTheLimitIsRefusedBeforeItsEndHasCome) {
  LineFraming framing(5);
  framing_test::ExpectSameMeaning(CutWhole(&framing, "12345"), {}, "12345");
  framing_test::ExpectSameMeaning(CutWhole(&framing, "123456"), {TooLong()}, "123456");
}

TEST(LineFraming, TheRefusalNamesTheLimit) {
  LineFraming framing(5);
  EXPECT_EQ(CutWhole(&framing, "123456").at(0).message, "line of more than 5 bytes");
}

TEST(LineFraming, BytesThatWereScannedAreNotScannedAgain) {
  LineFraming framing(64);
  const std::string input = "abc" + std::string(kInputPadding, '\n');
  CutState state;
  RequestHead head;
  FrameError error;
  EXPECT_EQ(framing.CutHead(absl::string_view(input.data(), 3), &state, &head, &error),
            CutOutcome::kNeedMore);
  EXPECT_EQ(state.scanned, 3u);
  EXPECT_EQ(state.need, 4u);
}

TEST(LineFraming, EveryCutOfShortStreamsGivesTheSameLines) {
  LineFraming framing(8);
  for (const absl::string_view stream :
       {absl::string_view("hello\nworld\n"), absl::string_view("\n\n\n"), absl::string_view("a\nb"),
        absl::string_view("12345678\n123456789\nx\n"), absl::string_view("a\0\n\0\n", 5),
        absl::string_view("\r\n\xff\n")}) {
    framing_test::ExpectSameFramesHoweverCut(&framing, stream);
  }
}

TEST(LineFraming, AgreesWithTheReferenceOnGeneratedStreams) {
  std::mt19937 random(20240607);
  constexpr char kAlphabet[] = {'a', '\n', '\0', '\r', '\xff', 'b'};
  for (int round = 0; round < 2000; ++round) {
    const size_t limit = random() % 12;
    LineFraming framing(limit);
    std::string stream(random() % 40, '\0');
    for (char& c : stream) c = kAlphabet[random() % sizeof(kAlphabet)];
    framing_test::ExpectSameMeaning(CutWhole(&framing, stream), Reference(stream, limit), stream);
    if (round % 10 == 0) framing_test::ExpectSameFramesHoweverCut(&framing, stream);
    if (HasFatalFailure()) return;
  }
}

TEST(LineFraming, AnAnswerIsTheResultAndANewline) {
  LineFraming framing(64);
  std::string out = "before";
  ResponseHead head;
  head.content_bytes = 4;
  framing.AppendResponseHead(head, &out);
  EXPECT_EQ(out, "before");
  EXPECT_EQ(framing.ResponseTail(), "\n");
}

TEST(LineFraming, HasNoRoomForAnError) {
  LineFraming framing(64);
  std::string out;
  EXPECT_FALSE(framing.AppendError(ResponseHead{}, "message", &out));
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace windlass
