#ifndef WINDLASS_TESTS_COMMON_REPORT_REPLIES_H_
#define WINDLASS_TESTS_COMMON_REPORT_REPLIES_H_

#include <arpa/inet.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/ctl.pb.h"

// What a server says on the control socket.

namespace windlass {

inline proto::CtlReply ProgressReply(absl::string_view line) {
  proto::CtlReply reply;
  reply.mutable_progress()->set_line(std::string(line));
  return reply;
}

inline proto::CtlReply DoneReply(bool ok, absl::string_view message) {
  proto::CtlReply reply;
  reply.mutable_done()->set_ok(ok);
  reply.mutable_done()->set_message(std::string(message));
  return reply;
}

inline std::string Encoded(const proto::CtlReply& reply) {
  const std::string message = reply.SerializeAsString();
  const uint32_t length = htonl(static_cast<uint32_t>(message.size()));
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + message;
}

}  // namespace windlass

#endif  // WINDLASS_TESTS_COMMON_REPORT_REPLIES_H_
