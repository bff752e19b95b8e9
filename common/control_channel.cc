#include "common/control_channel.h"

#include <google/protobuf/message_lite.h>

namespace windlass {
namespace {

constexpr size_t kMaxMessageBytes = 32 << 10;  // the largest lists a hundred connections
constexpr size_t kMaxFds = 2;

}  // namespace

PacketOutcome ControlChannel::Send(const google::protobuf::MessageLite& message,
                                   absl::Span<const int> fds) {
  message.SerializeToString(&scratch_);
  // An empty packet would look like the end of the channel; none of our messages is empty, as each
  // sets its oneof.
  const iovec piece = {scratch_.data(), scratch_.size()};
  return SendPacket(fd(), absl::MakeConstSpan(&piece, 1), fds);
}

ControlChannel::Outcome ControlChannel::Receive(google::protobuf::MessageLite* message) {
  buffer_.resize(kMaxMessageBytes);
  fds_.resize(kMaxFds);
  const iovec room = {buffer_.data(), buffer_.size()};
  const ReceivedPacket packet =
      ReceivePacket(fd(), absl::MakeConstSpan(&room, 1), absl::MakeSpan(fds_));
  fds_.resize(packet.fd_count);
  if (packet.outcome == PacketOutcome::kFull) return Outcome::kEmpty;
  if (packet.outcome == PacketOutcome::kPeerGone) return Outcome::kPeerGone;
  if (packet.truncated ||
      !message->ParseFromArray(buffer_.data(), static_cast<int>(packet.bytes))) {
    return Outcome::kMalformed;
  }
  return Outcome::kMessage;
}

}  // namespace windlass
