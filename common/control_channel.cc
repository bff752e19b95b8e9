#include "common/control_channel.h"

#include <google/protobuf/message_lite.h>

#include <array>

namespace windlass {
namespace {

constexpr size_t kMaxMessageBytes = 16 << 10;  // the largest has one line of text

}  // namespace

PacketOutcome ControlChannel::Send(const google::protobuf::MessageLite& message) {
  message.SerializeToString(&scratch_);
  // An empty packet would look like the end of the channel; none of our messages is empty, as each
  // sets its oneof.
  const iovec piece = {scratch_.data(), scratch_.size()};
  return SendPacket(fd(), absl::MakeConstSpan(&piece, 1));
}

ControlChannel::Outcome ControlChannel::Receive(google::protobuf::MessageLite* message) {
  std::array<char, kMaxMessageBytes> buffer;
  const iovec room = {buffer.data(), buffer.size()};
  const ReceivedPacket packet = ReceivePacket(fd(), absl::MakeConstSpan(&room, 1), {});
  if (packet.outcome == PacketOutcome::kFull) return Outcome::kEmpty;
  if (packet.outcome == PacketOutcome::kPeerGone) return Outcome::kPeerGone;
  if (packet.truncated || !message->ParseFromArray(buffer.data(), static_cast<int>(packet.bytes))) {
    return Outcome::kMalformed;
  }
  return Outcome::kMessage;
}

}  // namespace windlass
