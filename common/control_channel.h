#ifndef WINDLASS_COMMON_CONTROL_CHANNEL_H_
#define WINDLASS_COMMON_CONTROL_CHANNEL_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/posix.h"

namespace google::protobuf {
class MessageLite;
}

namespace windlass {

// Role: one end of the channel between the master and one child; one message (proto/control.proto)
// a packet. Owns its descriptor. Blocking: never. Errors: kPeerGone means that the other process is
// dead - for a child, that the master is, and the child must end.
class ControlChannel {
 public:
  enum class Outcome : uint8_t { kMessage, kEmpty, kPeerGone, kMalformed };

  explicit ControlChannel(OwnedFd socket) : socket_(std::move(socket)) {}
  int fd() const { return socket_.get(); }
  PacketOutcome Send(const google::protobuf::MessageLite& message, absl::Span<const int> fds = {});
  // Descriptors that came with it are in fds() until the next call.
  Outcome Receive(google::protobuf::MessageLite* message);
  absl::Span<OwnedFd> fds() { return absl::MakeSpan(fds_); }

 private:
  OwnedFd socket_;
  std::string scratch_;
  std::vector<char> buffer_;  // made on first use
  std::vector<OwnedFd> fds_;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONTROL_CHANNEL_H_
