#ifndef WINDLASS_COMMON_JOB_CHANNEL_H_
#define WINDLASS_COMMON_JOB_CHANNEL_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/posix.h"

namespace google::protobuf {
class MessageLite;
}

namespace windlass {

// A packet on the job queue or on a reply channel is: u32 envelope bytes (host order), a protobuf
// envelope (proto/job.proto), payload bytes; descriptors of memfds or files may be attached. Every
// accepted job gets exactly one answer; how that is kept is in worker/io/dispatcher.h.

// Changes when processes of an older and a newer binary can no longer work on one queue.
constexpr uint32_t kJobFormat = 2;

// The largest payload that travels inside a packet; beyond it goes a memfd, which costs a
// descriptor and a look at the mapping cache but no copies through the socket's buffers. Some tens
// of KiB; where exactly the two cost the same has not been measured yet.
constexpr size_t kInlinePayloadMax = 32 << 10;
// The largest envelope: a client's whole header object (64 KiB) and what else is said about a job.
constexpr size_t kEnvelopeMax = (64 << 10) + (72 << 10);
// What all parts of a job have returned, for the one that makes its answer of it.
constexpr size_t kPartResultsMax = 32 << 10;
constexpr size_t kPacketMax = 4 + kEnvelopeMax + kInlinePayloadMax + kPartResultsMax;
// Of each channel's send buffer: room for two packets of the largest size, or for hundreds of usual
// ones.
constexpr int kChannelBufferBytes = 512 << 10;

// Serializes `envelope` with its length in front, replacing *out. Keeps out's capacity.
void EncodeEnvelope(const google::protobuf::MessageLite& envelope, std::string* out);
// The other way round. REQUIRES: `encoded` comes from EncodeEnvelope, of the same kind of message.
void DecodeEnvelope(absl::string_view encoded, google::protobuf::MessageLite* envelope);

// Sends one packet; `encoded` comes from EncodeEnvelope. Blocking: never; kFull when it does not
// fit now.
PacketOutcome SendJobPacket(int fd, absl::string_view encoded,
                            absl::Span<const absl::string_view> payload, absl::Span<const int> fds);

// Role: receives packets into one buffer that it owns, with padding behind the payload for JSON
// parsers. Blocking: never. Errors: a packet that cannot be read is kMalformed - the sender is
// broken, this process is not.
class JobPacketReceiver {
 public:
  enum class Outcome : uint8_t { kPacket, kEmpty, kPeerGone, kMalformed };

  JobPacketReceiver();
  // Receives one packet and parses its envelope into *envelope. Views and descriptors are valid
  // until the next call.
  Outcome Receive(int fd, google::protobuf::MessageLite* envelope);
  absl::string_view payload() const { return payload_; }
  absl::Span<OwnedFd> fds() { return absl::MakeSpan(fds_).subspan(0, fd_count_); }
  bool fds_truncated() const { return fds_truncated_; }
  void DropFds();  // those that nobody has taken

 private:
  std::vector<char> buffer_;  // fixed after construction: kPacketMax and padding
  absl::string_view payload_;
  std::array<OwnedFd, kMaxPacketFds> fds_;
  size_t fd_count_ = 0;
  bool fds_truncated_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_JOB_CHANNEL_H_
