#include "tools/bench/answer_reader.h"

#include <algorithm>

namespace windlass {
namespace {

// Bytes of the head that starts with these two.
size_t HeadBytes(absl::string_view start) {
  return 2 + (static_cast<size_t>(static_cast<unsigned char>(start[0])) << 8 |
              static_cast<unsigned char>(start[1]));
}

}  // namespace

const AnswerFacts& AnswerHeadParser::Parse(absl::string_view json) {
  if (json == last_) return facts_;
  padded_.resize(json.size() + kInputPadding);
  std::copy(json.begin(), json.end(), padded_.begin());
  MessageHeader header;
  FrameError error;
  facts_ = AnswerFacts{};
  facts_.malformed =
      parser_.Parse({padded_.data(), json.size()}, &header, &error) != CutOutcome::kRequest;
  facts_.refused = !header.status.empty() && header.status != "ok";
  facts_.refused_with = RefusedWith(header.status);
  facts_.close = header.close;
  facts_.content_bytes = header.content_length;
  last_.assign(json.data(), json.size());
  return facts_;
}

bool AnswerReader::TakeHead(AnswerHeadParser* heads, absl::string_view* input) {
  if (partial_.empty() && input->size() >= 2 && input->size() >= HeadBytes(*input)) {
    const size_t bytes = HeadBytes(*input);
    facts_ = heads->Parse(input->substr(2, bytes - 2));
    input->remove_prefix(bytes);
    return true;
  }
  for (size_t wanted = 2;; wanted = HeadBytes(partial_)) {
    const size_t take = std::min(wanted - std::min(wanted, partial_.size()), input->size());
    partial_.append(input->data(), take);
    input->remove_prefix(take);
    if (partial_.size() < wanted) return false;
    if (wanted == HeadBytes(partial_)) break;
  }
  facts_ = heads->Parse(absl::string_view(partial_).substr(2));
  partial_.clear();
  return true;
}

AnswerReader::Verdict AnswerReader::StepMessage(const LoadShape& shape, AnswerHeadParser* heads,
                                                uint64_t number, absl::string_view* input) {
  if (!in_content_) {
    if (!TakeHead(heads, input)) return Verdict::kNeedMore;
    if (facts_.malformed) return Verdict::kMalformed;
    in_content_ = true;
    offset_ = 0;
    wrong_ = !facts_.refused && shape.check_content && facts_.content_bytes != shape.answer.size();
  }
  const absl::string_view content = input->substr(0, facts_.content_bytes - offset_);
  const bool compare = !facts_.refused && shape.check_content && !wrong_;
  if (compare && !content.empty()) wrong_ = !shape.answer.Matches(number, offset_, content);
  offset_ += content.size();
  input->remove_prefix(content.size());
  if (offset_ < facts_.content_bytes) return Verdict::kNeedMore;
  in_content_ = false;
  if (facts_.refused) return Verdict::kRefused;
  return wrong_ ? Verdict::kWrong : Verdict::kRight;
}

AnswerReader::Verdict AnswerReader::Step(const LoadShape& shape, AnswerHeadParser* heads,
                                         uint64_t number, absl::string_view* input) {
  if (shape.protocol == Protocol::kMessage) return StepMessage(shape, heads, number, input);
  const absl::string_view bytes = input->substr(0, shape.answer.size() - offset_);
  if (!shape.answer.Matches(number, offset_, bytes)) return Verdict::kWrongAndLost;
  offset_ += bytes.size();
  input->remove_prefix(bytes.size());
  if (offset_ < shape.answer.size()) return Verdict::kNeedMore;
  offset_ = 0;
  return Verdict::kRight;
}

}  // namespace windlass
