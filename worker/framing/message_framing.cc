#include "worker/framing/message_framing.h"

#include <simdjson.h>

#include <bit>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"

namespace windlass {

CutOutcome MessageFraming::CutHead(absl::string_view input, CutState* state, RequestHead* head,
                                   FrameError* error) {
  if (input.size() < 2) {
    state->need = 2;
    return CutOutcome::kNeedMore;
  }
  const size_t header_bytes = static_cast<size_t>(static_cast<unsigned char>(input[0])) << 8 |
                              static_cast<unsigned char>(input[1]);
  if (header_bytes > limits_.max_header_bytes) {
    *error = {ErrorCode::kTooLarge,
              absl::StrCat("header of ", header_bytes, " bytes, the limit is ",
                           limits_.max_header_bytes)};
    return CutOutcome::kLost;
  }
  if (input.size() < 2 + header_bytes) {
    state->need = static_cast<uint32_t>(2 + header_bytes);
    return CutOutcome::kNeedMore;
  }
  const absl::string_view json = input.substr(2, header_bytes);
  const CutOutcome outcome = parser_.Parse(json, &header_, error);
  head->request_id = header_.request_id;
  head->has_request_id = header_.has_request_id;
  if (outcome == CutOutcome::kLost) return outcome;
  head->handler = header_.handler;
  if (header_.content_length > limits_.max_content_bytes) {
    *error = {ErrorCode::kTooLarge, absl::StrCat("content-length ", header_.content_length,
                                                 ", the limit is ", limits_.max_content_bytes)};
    return CutOutcome::kLost;
  }
  head->head_bytes = 2 + header_bytes;
  head->content_bytes = header_.content_length;
  head->tail_bytes = 0;
  head->content_type = header_.content_type;
  head->content_encoding = header_.content_encoding;
  head->header = header_.has_other_keys ? json : absl::string_view();
  head->big_endian = header_.big_endian;
  head->deadline_ms = header_.deadline_ms;
  head->close_after = header_.close;
  return outcome;
}

void MessageFraming::AppendResponseHead(const ResponseHead& head, std::string* out) {
  MessageHeader header;
  header.big_endian = std::endian::native == std::endian::big;
  header.content_length = head.content_bytes;
  header.content_type = head.content_type;
  header.content_encoding = head.content_encoding;
  if (head.status != ErrorCode::kOk) header.status = ErrorCodeName(head.status);
  header.request_id = head.request_id;
  header.has_request_id = head.has_request_id;
  header.close = head.close;
  if (AppendMessageHeader(header, "", out)) return;
  // A handler's type or encoding of tens of KiB: the content still gets through.
  header.content_type = "application/octet-stream";
  header.content_encoding = "binary";
  AppendMessageHeader(header, "", out);
}

bool MessageFraming::AppendError(const ResponseHead& head, absl::string_view message,
                                 std::string* out) {
  error_content_ =
      absl::StrCat(R"({"error": {"code": ")", ErrorCodeName(head.status), R"(", "message": )");
  if (simdjson::validate_utf8(message.data(), message.size())) {
    AppendJsonString(message, &error_content_);
  } else {  // a handler's: whatever it is, the answer must be JSON
    std::string ascii(message);
    for (char& c : ascii) c = static_cast<unsigned char>(c) < 0x80 ? c : '?';
    AppendJsonString(ascii, &error_content_);
  }
  error_content_ += "}}";
  ResponseHead whole = head;
  whole.content_type = "text/json";
  whole.content_encoding = "utf-8";
  whole.content_bytes = error_content_.size();
  AppendResponseHead(whole, out);
  out->append(error_content_);
  return true;
}

}  // namespace windlass
