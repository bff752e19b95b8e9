#ifndef WINDLASS_COMMON_REPORT_REPLY_READER_H_
#define WINDLASS_COMMON_REPORT_REPLY_READER_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/ctl.pb.h"

// How messages lie on the stream of the control socket: each behind its length, a u32 in network
// byte order. Holds no socket. Blocking: never.

namespace windlass {

// 64 MiB: a report of a million connections. More is taken for a stream that has lost its place.
constexpr size_t kMaxReplyBytes = 64 << 20;

std::string EncodeRequest(const proto::CtlRequest& request);

// Cuts a byte stream into replies.
class ReplyReader {
 public:
  void Append(absl::string_view bytes) { buffer_.append(bytes.data(), bytes.size()); }
  // The next whole reply; nullopt if more bytes are needed. DataLoss (length over the limit, no
  // message that we know) is final.
  absl::StatusOr<std::optional<proto::CtlReply>> Next();

 private:
  std::string buffer_;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_REPORT_REPLY_READER_H_
