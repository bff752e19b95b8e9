#include "tests/scenario/ledger_answers.h"

#include "tests/scenario/ledger_payload.h"

namespace windlass {

LedgerAnswers::LedgerAnswers(Protocol protocol)
    : protocol_(protocol), parser_(MessageHeaderParser::Of::kAnswers) {}

void LedgerAnswers::Append(absl::string_view bytes) {
  received_.erase(0, at_);
  at_ = 0;
  received_.append(bytes.data(), bytes.size());
}

std::optional<LedgerAnswer> LedgerAnswers::Next() {
  if (broken_) return std::nullopt;
  return protocol_ == Protocol::kLine ? NextLine() : NextMessage();
}

std::optional<LedgerAnswer> LedgerAnswers::NextLine() {
  const size_t end = received_.find('\n', at_ + scanned_);
  if (end == std::string::npos) {
    scanned_ = received_.size() - at_;
    return std::nullopt;
  }
  LedgerAnswer answer;
  answer.content = absl::string_view(received_).substr(at_, end - at_);
  answer.id = std::string(IdOfPayload(answer.content));
  at_ = end + 1;
  scanned_ = 0;
  return answer;
}

std::optional<LedgerAnswer> LedgerAnswers::NextMessage() {
  if (!head_ && !ReadHead()) return std::nullopt;
  if (received_.size() - at_ < content_bytes_) return std::nullopt;
  LedgerAnswer answer = *std::move(head_);
  head_.reset();
  answer.content = absl::string_view(received_).substr(at_, content_bytes_);
  at_ += content_bytes_;
  return answer;
}

bool LedgerAnswers::ReadHead() {
  if (received_.size() - at_ < 2) return false;
  const size_t header_bytes = static_cast<size_t>(static_cast<unsigned char>(received_[at_])) << 8 |
                              static_cast<unsigned char>(received_[at_ + 1]);
  if (received_.size() - at_ < 2 + header_bytes) return false;
  std::string padded = received_.substr(at_ + 2, header_bytes);
  padded.append(kInputPadding, '\0');
  MessageHeader header;
  FrameError error;
  const absl::string_view json(padded.data(), header_bytes);
  if (parser_.Parse(json, &header, &error) != CutOutcome::kRequest) {
    broken_ = true;
    return false;
  }
  head_ = LedgerAnswer{std::string(header.request_id), std::string(header.status), ""};
  content_bytes_ = header.content_length;
  at_ += 2 + header_bytes;
  return true;
}

}  // namespace windlass
