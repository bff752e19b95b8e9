#include "tools/client/raw_dialogues.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr size_t kInputBytes = 64 << 10;
constexpr size_t kMaxUnsentBytes = 1 << 20;  // input is not read beyond what the server takes

}  // namespace

absl::StatusOr<absl::string_view> EchoDialogue::ToSend() {
  return absl::string_view(text_).substr(sent_);
}

absl::StatusOr<bool> EchoDialogue::OnReceived(absl::string_view bytes) {
  if (!absl::StartsWith(absl::string_view(text_).substr(received_), bytes)) {
    return absl::DataLossError(absl::StrCat("the echo differs from what was sent after ", received_,
                                            " bytes (is this an echo listener?)"));
  }
  received_ += bytes.size();
  return IsComplete();
}

absl::Status EchoDialogue::OnEnd() {
  return absl::UnavailableError(absl::StrCat("the server closed the connection after ", received_,
                                             " of ", text_.size(), " bytes"));
}

LengthDialogue::LengthDialogue(Payload payload, bool half_close, ContentSink* sink)
    : payload_(std::move(payload)),
      head_(absl::StrCat(payload_.size(), "\n")),
      half_close_(half_close),
      sink_(sink),
      sent_bar_("sent", payload_.size()) {}

absl::StatusOr<absl::string_view> LengthDialogue::ToSend() {
  if (sent_ < head_.size()) return absl::string_view(head_).substr(sent_);
  const uint64_t offset = sent_ - head_.size();
  if (offset == payload_.size()) return absl::string_view();
  return payload_.At(offset);
}

void LengthDialogue::OnSent(size_t bytes) {
  sent_ += bytes;
  sent_bar_.Show(sent_);
}

absl::StatusOr<bool> LengthDialogue::OnReceived(absl::string_view bytes) {
  received_ += bytes.size();
  if (absl::Status added = sink_->Add(bytes); !added.ok()) return added;
  return false;
}

absl::Status LengthDialogue::OnEnd() {
  if (received_ > 0 || payload_.size() == 0) return absl::OkStatus();
  return absl::AbortedError(
      "the server closed the connection without an answer (its log says why)");
}

LineDialogue::LineDialogue(int input_fd, bool half_close, bool json)
    : input_fd_(input_fd), half_close_(half_close), json_(json) {}

absl::StatusOr<absl::string_view> LineDialogue::ToSend() {
  return absl::string_view(to_send_).substr(sent_);
}

void LineDialogue::OnSent(size_t bytes) {
  sent_ += bytes;
  if (sent_ < to_send_.size()) return;
  to_send_.clear();
  sent_ = 0;
}

int LineDialogue::InputFd() const {
  return input_ended_ || to_send_.size() >= kMaxUnsentBytes ? -1 : input_fd_;
}

absl::Status LineDialogue::OnInputReady() {
  const size_t before = to_send_.size();
  to_send_.resize(before + kInputBytes);
  const absl::StatusOr<size_t> read = ReadFd(input_fd_, &to_send_[before], kInputBytes);
  to_send_.resize(before + read.value_or(0));
  if (!read.ok()) return absl::InvalidArgumentError(read.status().message());
  if (*read == 0) {
    input_ended_ = true;
    // A line without its newline would be dropped by the server.
    if (!at_line_start_) to_send_.push_back('\n');
  }
  const auto fresh = to_send_.begin() + static_cast<std::ptrdiff_t>(before);
  lines_ += static_cast<uint64_t>(std::count(fresh, to_send_.end(), '\n'));
  if (fresh != to_send_.end()) at_line_start_ = to_send_.back() == '\n';
  return absl::OkStatus();
}

absl::StatusOr<bool> LineDialogue::OnReceived(absl::string_view bytes) {
  answers_ += static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  if (absl::Status printed = Print(bytes); !printed.ok()) return printed;
  return IsComplete();
}

absl::Status LineDialogue::Print(absl::string_view bytes) {
  if (!json_) return WriteOut(bytes);
  partial_answer_.append(bytes.data(), bytes.size());
  std::string out;
  size_t start = 0;
  for (size_t end; (end = partial_answer_.find('\n', start)) != std::string::npos;
       start = end + 1) {
    out.push_back('{');
    AppendJsonBytes("answer", absl::string_view(partial_answer_).substr(start, end - start), &out);
    out.append("}\n");
  }
  partial_answer_.erase(0, start);
  return WriteOut(out);
}

absl::Status LineDialogue::OnEnd() {
  if (AllAnswered()) return absl::OkStatus();
  if (answers_ >= lines_) {
    return absl::UnavailableError(
        "the server closed the connection while it had nothing to answer");
  }
  return absl::AbortedError(absl::StrCat("the server closed the connection after ", answers_,
                                         " of ", lines_, " answers (its log says why)"));
}

}  // namespace windlass
