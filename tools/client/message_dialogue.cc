#include "tools/client/message_dialogue.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace windlass {

MessageDialogue::MessageDialogue(std::string head, Payload payload,
                                 std::optional<std::string> request_id, ContentSink* sink)
    : head_(std::move(head)),
      payload_(std::move(payload)),
      payload_start_(head_.size()),
      request_id_(std::move(request_id)),
      sink_(sink),
      sent_bar_("sent", payload_.size()) {
  if (payload_.size() == 0) return;
  // The first piece goes with the header. If it cannot be read, ToSend will meet the same error.
  const absl::StatusOr<absl::string_view> first = payload_.At(0);
  if (first.ok()) head_.append(first->data(), first->size());
}

absl::StatusOr<absl::string_view> MessageDialogue::ToSend() {
  if (sent_ < head_.size()) return absl::string_view(head_).substr(sent_);
  const uint64_t offset = sent_ - payload_start_;
  if (offset == payload_.size()) return absl::string_view();
  return payload_.At(offset);
}

void MessageDialogue::OnSent(size_t bytes) {
  sent_ += bytes;
  sent_bar_.Show(sent_);
}

absl::Status MessageDialogue::OnHead() {
  const AnswerHead& head = reader_.head();
  // The server may refuse a request before it has read its id.
  const bool same_id = head.has_request_id ? request_id_ && *request_id_ == head.request_id
                                           : !request_id_ || !head.ok();
  if (!same_id) {
    return absl::DataLossError(
        absl::StrCat("malformed answer: request-id is ",
                     head.has_request_id ? absl::StrCat("'", head.request_id, "'") : "missing"));
  }
  if (!head.ok()) sink_->KeepFromNowOn();
  received_bar_.emplace("received", head.content_length);
  return absl::OkStatus();
}

absl::StatusOr<bool> MessageDialogue::OnReceived(absl::string_view bytes) {
  for (;;) {
    absl::string_view content;
    const absl::StatusOr<MessageAnswerReader::Event> event = reader_.Step(&bytes, &content);
    if (!event.ok()) return event.status();
    absl::Status status;
    switch (*event) {
      case MessageAnswerReader::Event::kNeedMore:
        return false;
      case MessageAnswerReader::Event::kHead:
        status = OnHead();
        break;
      case MessageAnswerReader::Event::kContent:
        received_bar_->Show(reader_.content_seen());
        status = sink_->Add(content);
        break;
      case MessageAnswerReader::Event::kDone:
        if (bytes.empty()) return true;
        return absl::DataLossError(
            absl::StrCat("malformed answer: ", bytes.size(), " bytes behind its end"));
    }
    if (!status.ok()) return status;
  }
}

absl::Status MessageDialogue::OnEnd() {
  if (!reader_.started()) {
    return absl::UnavailableError("the server closed the connection without an answer");
  }
  if (!reader_.has_head()) {
    return absl::UnavailableError(
        "the server closed the connection in the middle of the answer's header");
  }
  return absl::UnavailableError(absl::StrCat("the server closed the connection after ",
                                             reader_.content_seen(), " of ",
                                             reader_.head().content_length, " content bytes"));
}

}  // namespace windlass
