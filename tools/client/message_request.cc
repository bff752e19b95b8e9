#include "tools/client/message_request.h"

#include <bit>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "tools/client/output.h"
#include "worker/framing/message_header.h"

namespace windlass {

absl::StatusOr<std::string> EncodeMessageHead(const MessageOptions& options,
                                              uint64_t content_bytes) {
  MessageHeader header;
  header.big_endian = std::endian::native == std::endian::big;
  header.content_length = content_bytes;
  header.content_type = options.content_type;
  header.content_encoding = options.content_encoding;
  header.handler = options.handler;
  header.deadline_ms = options.deadline_ms;
  header.has_request_id = options.request_id.has_value();
  if (options.request_id) header.request_id = *options.request_id;
  std::string extra;
  for (const auto& [key, value] : options.more_keys) {
    extra.append(", ");
    AppendJsonString(key, &extra);
    extra.append(": ");
    AppendJsonString(value, &extra);
  }
  std::string head;
  if (!AppendMessageHeader(header, extra, &head)) {
    return absl::InvalidArgumentError("the header would be longer than 65535 bytes");
  }
  if (!IsUtf8(absl::string_view(head).substr(2))) {
    return absl::InvalidArgumentError("header values must be UTF-8");
  }
  return head;
}

std::string SearchContent(absl::string_view value) {
  std::string content = R"({"action": "search", "value": )";
  AppendJsonString(value, &content);
  content.push_back('}');
  return content;
}

}  // namespace windlass
