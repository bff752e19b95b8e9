#include "common/job_channel.h"

#include <google/protobuf/message_lite.h>

#include <cstring>

#include "common/byte_buffer.h"
#include "common/log.h"

namespace windlass {

void EncodeEnvelope(const google::protobuf::MessageLite& envelope, std::string* out) {
  const size_t bytes = envelope.ByteSizeLong();
  CHECK(bytes <= kEnvelopeMax) << "envelope of " << bytes << " bytes";
  const uint32_t prefix = static_cast<uint32_t>(bytes);
  out->resize(sizeof(prefix) + bytes);
  std::memcpy(out->data(), &prefix, sizeof(prefix));
  envelope.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out->data()) +
                                           sizeof(prefix));
}

void DecodeEnvelope(absl::string_view encoded, google::protobuf::MessageLite* envelope) {
  encoded.remove_prefix(sizeof(uint32_t));
  CHECK(envelope->ParseFromArray(encoded.data(), static_cast<int>(encoded.size())));
}

PacketOutcome SendJobPacket(int fd, absl::string_view encoded,
                            absl::Span<const absl::string_view> payload,
                            absl::Span<const int> fds) {
  constexpr size_t kMaxPieces = 1 + kMaxPacketFds;
  CHECK(payload.size() < kMaxPieces);
  iovec pieces[kMaxPieces];
  pieces[0] = {const_cast<char*>(encoded.data()), encoded.size()};
  size_t count = 1;
  for (absl::string_view piece : payload) {
    if (!piece.empty()) pieces[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  return SendPacket(fd, absl::MakeConstSpan(pieces, count), fds);
}

JobPacketReceiver::JobPacketReceiver() : buffer_(kPacketMax + ByteBuffer::kPadding) {}

void JobPacketReceiver::DropFds() {
  for (size_t i = 0; i < fd_count_; ++i) fds_[i].Reset();
  fd_count_ = 0;
}

JobPacketReceiver::Outcome JobPacketReceiver::Receive(int fd,
                                                      google::protobuf::MessageLite* envelope) {
  DropFds();
  payload_ = {};
  const iovec room = {buffer_.data(), kPacketMax};
  const ReceivedPacket packet =
      ReceivePacket(fd, absl::MakeConstSpan(&room, 1), absl::MakeSpan(fds_));
  fd_count_ = packet.fd_count;
  fds_truncated_ = packet.fds_truncated;
  if (packet.outcome == PacketOutcome::kFull) return Outcome::kEmpty;
  if (packet.outcome == PacketOutcome::kPeerGone) return Outcome::kPeerGone;
  uint32_t envelope_bytes = 0;
  if (packet.truncated || packet.bytes < sizeof(envelope_bytes)) return Outcome::kMalformed;
  std::memcpy(&envelope_bytes, buffer_.data(), sizeof(envelope_bytes));
  const absl::string_view body(buffer_.data() + sizeof(envelope_bytes),
                               packet.bytes - sizeof(envelope_bytes));
  if (envelope_bytes > body.size()) return Outcome::kMalformed;
  if (!envelope->ParseFromArray(body.data(), static_cast<int>(envelope_bytes)))
    return Outcome::kMalformed;
  payload_ = body.substr(envelope_bytes);
  return Outcome::kPacket;
}

}  // namespace windlass
