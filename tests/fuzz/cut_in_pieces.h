#ifndef WINDLASS_TESTS_FUZZ_CUT_IN_PIECES_H_
#define WINDLASS_TESTS_FUZZ_CUT_IN_PIECES_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/fuzz/fuzz_input.h"

// Feeds a framing the same stream whole and in pieces, and compares what it made of them. As a
// connection does it, with contents too.

namespace windlass::fuzz {

constexpr uint64_t kMaxHeader = 1024, kMaxContent = 2048, kMaxLine = 64;

// How one reader takes the stream.
struct Manner {
  std::vector<uint8_t> pieces;  // their sizes; what is left comes at once
  char padding = '\0';
  bool patient = true;     // looks at a head again only when CutState.need bytes are there
  bool moves = false;      // another decoder goes on after each piece
  size_t room = SIZE_MAX;  // of the decoder's sink, at a time
};

class PieceReader {
 public:
  // `most_asked`: bytes of input with which every head is known to be right or wrong.
  PieceReader(Framing* framing, uint64_t most_asked, Manner manner)
      : framing_(*framing), most_asked_(most_asked), manner_(std::move(manner)) {}

  std::vector<std::string> Read(absl::string_view stream) {
    for (const uint8_t size : manner_.pieces) {
      Feed(stream.substr(0, size));
      stream.remove_prefix(std::min<size_t>(size, stream.size()));
    }
    Feed(stream);
    seen_.push_back(absl::StrCat("end: ", is_cut_ ? "content " : "head ", is_lost_ ? "lost" : ""));
    if (is_cut_) seen_.push_back(content_);
    return std::move(seen_);
  }

 private:
  void Feed(absl::string_view piece) {
    if (piece.empty() || is_lost_) return;
    input_.append(piece.data(), piece.size());
    GoOn();
    if (manner_.moves && decoder_ != nullptr && !is_lost_) Move();
  }

  void GoOn() {
    while (!is_lost_ && !input_.empty() && Step()) {
    }
  }

  // False: more input is needed.
  bool Step() {
    if (!is_cut_) return CutHead();
    if (decoder_ != nullptr) return Decode();
    const size_t take = static_cast<size_t>(std::min<uint64_t>(left_, input_.size()));
    const size_t content = static_cast<size_t>(std::min<uint64_t>(content_left_, take));
    content_.append(input_, 0, content);
    content_left_ -= content;
    left_ -= take;
    input_.erase(0, take);
    if (left_ == 0) EndFrame();
    return true;
  }

  bool CutHead() {
    const bool too_soon = input_.size() < state_.need;
    if (too_soon && manner_.patient) return false;
    const PaddedBytes bytes(input_, manner_.padding);
    RequestHead head;
    FrameError error;
    const CutOutcome outcome = framing_.CutHead(bytes.view(), &state_, &head, &error);
    CHECK(!too_soon || outcome == CutOutcome::kNeedMore) << "before `need` bytes had come";
    if (outcome == CutOutcome::kNeedMore) {
      CHECK(state_.need > input_.size()) << "asks for no more than there is";
      CHECK(state_.need <= most_asked_) << "asks for " << state_.need;
      CHECK(state_.scanned <= input_.size());
      return false;
    }
    CHECK((outcome == CutOutcome::kRequest) == (error.code == ErrorCode::kOk) ||
          error.http_status == 204);
    seen_.push_back(Describe(outcome, head, error));
    CheckAnswers(head, error);
    is_lost_ = outcome == CutOutcome::kLost;
    if (is_lost_) return false;
    CHECK(head.head_bytes + head.tail_bytes > 0 || head.content_bytes > 0) << "an empty frame";
    CHECK(head.head_bytes <= input_.size());
    CHECK(head.content_bytes <= kMaxContent);
    if (outcome == CutOutcome::kRequest) CheckTexts(head);
    is_cut_ = true;
    input_.erase(0, head.head_bytes);
    content_left_ = head.content_bytes;
    left_ = head.content_bytes + head.tail_bytes;
    if (head.is_coded) {
      CHECK(outcome == CutOutcome::kRequest) << "whose end is not known";
      decoder_ = framing_.MakeContentDecoder();
    } else if (left_ == 0) {
      EndFrame();
    }
    return true;
  }

  bool Decode() {
    size_t room = manner_.room;
    const PaddedBytes bytes(input_, manner_.padding);
    const ContentDecoder::Result result =
        decoder_->Decode(bytes.view(), [this, &room](absl::string_view decoded) {
          const size_t take = std::min(room, decoded.size());
          content_.append(decoded.data(), take);
          room -= take;
          return take;
        });
    CHECK(result.used <= input_.size());
    CHECK(decoder_->decoded() == content_.size());
    CHECK(content_.size() <= kMaxContent);
    input_.erase(0, result.used);
    switch (result.outcome) {
      case ContentDecoder::Outcome::kGoing:
        return result.used > 0;
      case ContentDecoder::Outcome::kComplete:
        EndFrame();
        return true;
      case ContentDecoder::Outcome::kBad:
      case ContentDecoder::Outcome::kTooLarge:
        seen_.push_back(absl::StrCat("decoder ", static_cast<int>(result.outcome)));
        is_lost_ = true;
        return false;
    }
    return false;
  }

  // To another process, which goes on with what it is told.
  void Move() {
    std::string coded;
    decoder_->AppendPrefix(&coded);
    coded.append(content_);
    coded.append(input_);
    input_ = std::move(coded);
    content_.clear();
    decoder_ = framing_.MakeContentDecoder();
    GoOn();
  }

  void EndFrame() {
    seen_.push_back(absl::StrCat("content: ", content_));
    content_.clear();
    decoder_ = nullptr;
    state_ = CutState{};
    is_cut_ = false;
  }

  static std::string Describe(CutOutcome outcome, const RequestHead& head,
                              const FrameError& error) {
    std::string text = absl::StrCat(static_cast<int>(outcome), " ", ErrorCodeName(error.code), " ",
                                    error.http_status, " ", error.message, "|", head.request_id,
                                    "|", head.has_request_id, "|", head.handler);
    if (outcome == CutOutcome::kLost) return text;
    absl::StrAppend(&text, "|", head.head_bytes, "+", head.content_bytes, "+", head.tail_bytes, "|",
                    head.close_after, head.omit_content, head.answer_form);
    if (outcome == CutOutcome::kRefused) return text;
    absl::StrAppend(&text, "|", head.content_type, "|", head.content_encoding, "|", head.header,
                    "|");
    absl::StrAppend(&text, head.big_endian, head.deadline_ms, head.is_coded, head.expects_continue,
                    head.content_is_made, "|", head.content, "|");
    absl::StrAppend(&text, head.path, "|", head.query, "|", head.method, "|", head.host, "|",
                    head.accept);
    return text;
  }

  // What handlers are promised.
  static void CheckTexts(const RequestHead& head) {
    CHECK(head.header.empty() || IsJson(head.header)) << absl::CHexEscape(head.header);
    CHECK(!head.content_is_made || IsJson(head.content)) << absl::CHexEscape(head.content);
  }

  // Whatever the client has sent, what it gets is one answer.
  void CheckAnswers(const RequestHead& head, const FrameError& error) {
    ResponseHead answer;
    answer.status = error.code == ErrorCode::kOk ? ErrorCode::kHandlerFailed : error.code;
    answer.http_status = error.http_status;
    answer.request_id = head.request_id;
    answer.has_request_id = head.has_request_id;
    answer.answer_form = head.answer_form;
    std::string out;
    if (framing_.AppendError(answer, error.message, &out)) CheckAnswer(out);
  }

  static void CheckAnswer(absl::string_view out) {
    if (absl::StartsWith(out, "HTTP/")) {
      const size_t end = out.find("\r\n\r\n");
      CHECK(end != absl::string_view::npos);
      for (size_t i = 0; i < end; ++i) {
        const auto byte = static_cast<unsigned char>(out[i]);
        const bool is_end = out.substr(i, 2) == "\r\n";
        CHECK(is_end || (byte >= 0x20 && byte != 0x7f) || byte == '\t') << absl::CHexEscape(out);
        if (is_end) ++i;
      }
      const absl::string_view content = out.substr(end + 4);
      CHECK(content.empty() || IsJson(content)) << absl::CHexEscape(out);
      return;
    }
    CHECK(out.size() > 2);
    const size_t bytes = static_cast<size_t>(static_cast<unsigned char>(out[0])) << 8 |
                         static_cast<unsigned char>(out[1]);
    CHECK(out.size() >= 2 + bytes);
    CHECK(IsJson(out.substr(2, bytes))) << absl::CHexEscape(out);
    CHECK(IsJson(out.substr(2 + bytes))) << absl::CHexEscape(out);
  }

  Framing& framing_;
  const uint64_t most_asked_;
  const Manner manner_;
  std::string input_, content_;
  CutState state_;
  std::unique_ptr<ContentDecoder> decoder_;
  uint64_t left_ = 0, content_left_ = 0;
  bool is_cut_ = false, is_lost_ = false;
  std::vector<std::string> seen_;
};

inline void ExpectSameHoweverCut(Framing* framing, uint64_t most_asked, const uint8_t* data,
                                 size_t size) {
  FuzzedDataProvider input(data, size);
  Manner pieces;
  const auto how = input.ConsumeIntegral<uint8_t>();
  pieces.patient = (how & 1) != 0;
  pieces.moves = (how & 2) != 0;
  if ((how & 4) != 0) pieces.room = 1 + (how >> 5);
  pieces.padding = (how & 8) != 0 ? '\xff' : '"';
  const auto count = input.ConsumeIntegralInRange<size_t>(0, 15);
  for (size_t i = 0; i < count; ++i) pieces.pieces.push_back(input.ConsumeIntegral<uint8_t>());
  const std::string stream = input.ConsumeRemainingBytesAsString();
  const std::vector<std::string> whole = PieceReader(framing, most_asked, Manner{}).Read(stream);
  const std::vector<std::string> cut = PieceReader(framing, most_asked, pieces).Read(stream);
  for (size_t i = 0; i < std::min(whole.size(), cut.size()); ++i) {
    CHECK(whole[i] == cut[i]) << "\nwhole: " << absl::CHexEscape(whole[i])
                              << "\npieces: " << absl::CHexEscape(cut[i]);
  }
  CHECK(whole.size() == cut.size());
}

}  // namespace windlass::fuzz

#endif  // WINDLASS_TESTS_FUZZ_CUT_IN_PIECES_H_
