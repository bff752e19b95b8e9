#ifndef WINDLASS_TESTS_WORKER_FRAMING_CUT_STREAM_H_
#define WINDLASS_TESTS_WORKER_FRAMING_CUT_STREAM_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "worker/framing/framing.h"

// A small language for tests of framings: a stream of bytes is fed in pieces, as a connection would
// receive it, and what the framing made of it is a list of Seen, to be compared with another way of
// cutting or with a reference.

namespace windlass::framing_test {

// One frame, as owned values. `content` is what has arrived of it when the stream ends.
struct Seen {
  CutOutcome outcome = CutOutcome::kNeedMore;
  ErrorCode code = ErrorCode::kOk;
  uint64_t head_bytes = 0, content_bytes = 0, tail_bytes = 0;
  std::string content;
  std::string content_type, content_encoding, handler, request_id, header;
  bool has_request_id = false, big_endian = false, close_after = false;
  uint32_t deadline_ms = 0;
  std::string message;  // compared between cuttings, not with references

  auto Meaning() const {
    return std::tie(outcome, code, head_bytes, content_bytes, tail_bytes, content, content_type,
                    content_encoding, handler, request_id, header, has_request_id, big_endian,
                    close_after, deadline_ms);
  }
  friend bool operator==(const Seen& a, const Seen& b) {
    return a.Meaning() == b.Meaning() && a.message == b.message;
  }
  friend std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    constexpr const char* kNames[] = {"need-more", "request", "refused", "lost"};
    return out << kNames[static_cast<int>(seen.outcome)] << " " << ErrorCodeName(seen.code) << " "
               << seen.head_bytes << "+" << seen.content_bytes << "+" << seen.tail_bytes << " '"
               << absl::CHexEscape(seen.content) << "' type=" << seen.content_type
               << " encoding=" << seen.content_encoding << " handler=" << seen.handler
               << " id=" << seen.request_id << " big=" << seen.big_endian
               << " close=" << seen.close_after << " deadline=" << seen.deadline_ms << " header='"
               << absl::CHexEscape(seen.header) << "' (" << seen.message << ")";
  }
};

// kPatient looks again only when CutState.need bytes have come; kImpatient after every piece, and
// checks that `need` did not promise too much.
enum class Reader { kPatient, kImpatient };

class StreamCutter {
 public:
  StreamCutter(Framing* framing, Reader reader, char padding)
      : framing_(framing), reader_(reader), padding_(padding) {}

  void Feed(absl::string_view piece) {
    input_.append(piece.data(), piece.size());
    while (!lost_ && CutOne()) {
    }
  }
  // What was seen, with an unfinished frame last.
  std::vector<Seen> Finish() {
    if (waiting_) seen_.push_back(Taken());
    return seen_;
  }

 private:
  // True when there may be another frame behind the one just consumed.
  bool CutOne() {
    if (!waiting_ && !LookAtHead()) return false;
    if (lost_) return false;
    // Without a sum that could wrap around: content_bytes may be any 64-bit number.
    const uint64_t framing_bytes = frame_.head_bytes + frame_.tail_bytes;
    if (input_.size() < framing_bytes || input_.size() - framing_bytes < frame_.content_bytes) {
      return false;
    }
    seen_.push_back(Taken());
    input_.erase(0, frame_.head_bytes + frame_.content_bytes + frame_.tail_bytes);
    state_ = CutState{};
    waiting_ = false;
    return !input_.empty();
  }

  bool LookAtHead() {
    const bool too_soon = input_.size() < state_.need;
    if (too_soon && reader_ == Reader::kPatient) return false;
    // A heap block of exactly the promised size, so that a sanitizer sees a read past the padding.
    const size_t size = input_.size() + kInputPadding;
    const std::unique_ptr<char[]> block(new char[size]);
    input_.copy(block.get(), input_.size());
    std::fill(block.get() + input_.size(), block.get() + size, padding_);
    RequestHead head;
    FrameError error;
    const CutOutcome outcome =
        framing_->CutHead(absl::string_view(block.get(), input_.size()), &state_, &head, &error);
    if (too_soon) {
      EXPECT_EQ(outcome, CutOutcome::kNeedMore) << "before `need` bytes had come";
    }
    if (outcome == CutOutcome::kNeedMore) {
      EXPECT_GT(state_.need, input_.size()) << "kNeedMore must ask for more than there is";
      return false;
    }
    frame_ = Describe(outcome, head, error);
    if (outcome == CutOutcome::kLost) {
      seen_.push_back(frame_);
      lost_ = true;
      return false;
    }
    waiting_ = true;
    return true;
  }

  static Seen Describe(CutOutcome outcome, const RequestHead& head, const FrameError& error) {
    Seen seen;
    seen.outcome = outcome;
    if (outcome != CutOutcome::kRequest) {
      seen.code = error.code;
      seen.message = error.message;
    }
    if (outcome == CutOutcome::kLost) return seen;
    seen.head_bytes = head.head_bytes;
    seen.content_bytes = head.content_bytes;
    seen.tail_bytes = head.tail_bytes;
    if (outcome == CutOutcome::kRefused) return seen;
    seen.content_type = std::string(head.content_type);
    seen.content_encoding = std::string(head.content_encoding);
    seen.handler = std::string(head.handler);
    seen.request_id = std::string(head.request_id);
    seen.has_request_id = head.has_request_id;
    seen.header = std::string(head.header);
    seen.big_endian = head.big_endian;
    seen.close_after = head.close_after;
    seen.deadline_ms = head.deadline_ms;
    return seen;
  }

  Seen Taken() const {
    Seen taken = frame_;
    if (input_.size() > frame_.head_bytes) {
      taken.content = input_.substr(frame_.head_bytes, frame_.content_bytes);
    }
    return taken;
  }

  Framing* const framing_;
  const Reader reader_;
  const char padding_;
  std::string input_;
  CutState state_;
  Seen frame_;            // meaningful while waiting_
  bool waiting_ = false;  // a head was cut; its frame is not complete
  bool lost_ = false;
  std::vector<Seen> seen_;
};

inline std::vector<Seen> CutWhole(Framing* framing, absl::string_view stream, char padding = '\0') {
  StreamCutter cutter(framing, Reader::kPatient, padding);
  cutter.Feed(stream);
  return cutter.Finish();
}

inline std::vector<Seen> CutAt(Framing* framing, absl::string_view stream,
                               const std::vector<size_t>& points, Reader reader, char padding) {
  StreamCutter cutter(framing, reader, padding);
  size_t from = 0;
  for (const size_t point : points) {
    cutter.Feed(stream.substr(from, point - from));
    from = point;
  }
  cutter.Feed(stream.substr(from));
  return cutter.Finish();
}

// Every split into two pieces and one byte at a time, by both kinds of reader and with different
// bytes behind the input, gives what the whole stream gives.
inline void ExpectSameFramesHoweverCut(Framing* framing, absl::string_view stream) {
  const std::vector<Seen> whole = CutWhole(framing, stream);
  std::vector<size_t> every_point;
  for (size_t i = 1; i < stream.size(); ++i) every_point.push_back(i);
  for (const Reader reader : {Reader::kPatient, Reader::kImpatient}) {
    for (const char padding : {'\0', '\n', '7', '"', '\xff'}) {
      ASSERT_EQ(CutAt(framing, stream, {}, reader, padding), whole) << absl::CHexEscape(stream);
      ASSERT_EQ(CutAt(framing, stream, every_point, reader, padding), whole)
          << "byte by byte: " << absl::CHexEscape(stream);
    }
    for (const size_t point : every_point) {
      ASSERT_EQ(CutAt(framing, stream, {point}, reader, '}'), whole)
          << "cut at " << point << ": " << absl::CHexEscape(stream);
    }
  }
}

// The same for a few random ways to cut a longer stream.
inline void ExpectSameFramesInRandomPieces(Framing* framing, absl::string_view stream,
                                           std::mt19937* random) {
  const std::vector<Seen> whole = CutWhole(framing, stream);
  for (int i = 0; i < 4; ++i) {
    std::vector<size_t> points;
    for (size_t at = 0; (at += 1 + (*random)() % 40) < stream.size();) points.push_back(at);
    ASSERT_EQ(CutAt(framing, stream, points, Reader::kPatient, '\xff'), whole)
        << absl::CHexEscape(stream);
  }
}

inline void ExpectSameMeaning(const std::vector<Seen>& seen, const std::vector<Seen>& reference,
                              absl::string_view stream) {
  ASSERT_EQ(seen.size(), reference.size()) << absl::CHexEscape(stream);
  for (size_t i = 0; i < seen.size(); ++i) {
    ASSERT_EQ(seen[i].Meaning(), reference[i].Meaning())
        << "frame " << i << " of " << absl::CHexEscape(stream) << "\n  got      " << seen[i]
        << "\n  expected " << reference[i];
  }
}

}  // namespace windlass::framing_test

#endif  // WINDLASS_TESTS_WORKER_FRAMING_CUT_STREAM_H_
