#include "tools/client/message_answer.h"

#include <simdjson.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

std::string Own(std::string_view text) { return std::string(text); }

}  // namespace

std::string ErrorMessageOf(absl::string_view content) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view text;
  if (parser.parse(content.data(), content.size()).get(root) != simdjson::SUCCESS) return "";
  simdjson::dom::element error;
  if (root["error"].get(error) == simdjson::SUCCESS &&
      error["message"].get(text) == simdjson::SUCCESS) {
    return Own(text);
  }
  return root["result"].get(text) == simdjson::SUCCESS ? Own(text) : "";
}

absl::StatusOr<std::string> ResultOf(absl::string_view content) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view text;
  const auto failure = parser.parse(content.data(), content.size()).get(root);
  if (failure != simdjson::SUCCESS) {
    return absl::DataLossError(
        absl::StrCat("the answer's content is not JSON: ", simdjson::error_message(failure)));
  }
  if (root["result"].get(text) != simdjson::SUCCESS) {
    return absl::DataLossError("the answer has no string 'result'");
  }
  return Own(text);
}

bool MessageAnswerReader::Gather(size_t bytes, absl::string_view* input) {
  const size_t take = std::min(bytes - std::min(bytes, partial_.size()), input->size());
  partial_.append(input->data(), take);
  input->remove_prefix(take);
  return partial_.size() >= bytes;
}

absl::Status MessageAnswerReader::ParseHead(size_t header_bytes) {
  std::vector<char> padded(header_bytes + kInputPadding);
  std::copy_n(partial_.data() + 2, header_bytes, padded.data());
  MessageHeader header;
  FrameError error;
  if (parser_.Parse({padded.data(), header_bytes}, &header, &error) != CutOutcome::kRequest) {
    return absl::DataLossError(absl::StrCat("malformed answer: ", error.message));
  }
  head_.json = partial_.substr(2);
  head_.status = std::string(header.status);
  head_.content_type = std::string(header.content_type);
  head_.content_encoding = std::string(header.content_encoding);
  head_.content_length = header.content_length;
  head_.request_id = std::string(header.request_id);
  head_.has_request_id = header.has_request_id;
  return absl::OkStatus();
}

absl::StatusOr<MessageAnswerReader::Event> MessageAnswerReader::Step(absl::string_view* input,
                                                                     absl::string_view* content) {
  if (state_ == State::kHead) {
    if (!Gather(2, input)) return Event::kNeedMore;
    const size_t header_bytes = static_cast<size_t>(static_cast<unsigned char>(partial_[0])) << 8 |
                                static_cast<unsigned char>(partial_[1]);
    if (!Gather(2 + header_bytes, input)) return Event::kNeedMore;
    if (absl::Status parsed = ParseHead(header_bytes); !parsed.ok()) return parsed;
    state_ = State::kContent;
    return Event::kHead;
  }
  if (content_seen_ == head_.content_length) return Event::kDone;
  if (input->empty()) return Event::kNeedMore;
  *content = input->substr(0, head_.content_length - content_seen_);
  input->remove_prefix(content->size());
  content_seen_ += content->size();
  return Event::kContent;
}

}  // namespace windlass
