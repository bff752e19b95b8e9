#include "common/report/reply_reader.h"

#include <arpa/inet.h>

#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace windlass {

std::string EncodeRequest(const proto::CtlRequest& request) {
  const std::string message = request.SerializeAsString();
  const uint32_t length = htonl(static_cast<uint32_t>(message.size()));
  return absl::StrCat(absl::string_view(reinterpret_cast<const char*>(&length), sizeof(length)),
                      message);
}

absl::StatusOr<std::optional<proto::CtlReply>> ReplyReader::Next() {
  uint32_t length = 0;
  if (buffer_.size() < sizeof(length)) return std::nullopt;
  std::memcpy(&length, buffer_.data(), sizeof(length));
  length = ntohl(length);
  if (length > kMaxReplyBytes) {
    return absl::DataLossError(
        absl::StrCat("the server sent no reply: ", length, " bytes are announced"));
  }
  if (buffer_.size() - sizeof(length) < length) return std::nullopt;
  proto::CtlReply reply;
  const bool parsed =
      reply.ParseFromArray(buffer_.data() + sizeof(length), static_cast<int>(length));
  if (!parsed || reply.what_case() == proto::CtlReply::WHAT_NOT_SET) {
    return absl::DataLossError(
        "the server sent a reply that this windlassctl does not know (is it of another version?)");
  }
  buffer_.erase(0, sizeof(length) + length);
  return reply;
}

}  // namespace windlass
