#ifndef WINDLASS_WORKER_IO_HANDOVER_MESSAGE_H_
#define WINDLASS_WORKER_IO_HANDOVER_MESSAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/clock.h"
#include "common/posix.h"
#include "proto/handover.pb.h"
#include "windlass/owned_fd.h"

// How a connection is written down for another worker (proto/handover.proto), and read there. The
// client's unread input is the state: a request of which a part has arrived moves as the bytes that
// have arrived, so the receiver has nothing to take on trust but bytes that any client could send.

namespace windlass {

constexpr uint32_t kHandOverVersion = 1;
// More files than this wait for the client to take some: a packet holds 16 descriptors, two of
// which are the socket and the memfd.
constexpr size_t kMaxMovedFiles = kMaxPacketFds - 2;

struct MovedFlags {
  uint64_t skip_bytes = 0;  // of a refused frame, still to come
  uint32_t tail_bytes = 0;  // after those: the end of a frame
  bool peer_done = false;
  bool finishing = false;
  bool awaits_proxy = false;  // the proxy has not said yet who the client is
  Instant accepted, last_active, frame_since;
};

// As the sender has it. All is borrowed.
struct OutgoingConnection {
  // A part of what is still owed: memory, then a part of a file.
  struct Segment {
    std::vector<absl::string_view> memory;
    int file = -1;
    uint64_t file_offset = 0, file_bytes = 0;
  };
  int socket = -1;
  absl::string_view listener, protocol;
  absl::string_view peer;  // that a proxy has said; "": nobody has
  absl::string_view input;
  std::vector<Segment> output;
  MovedFlags flags;
};

// As the receiver gets it.
struct IncomingConnection {
  struct Segment {
    std::string bytes;
    OwnedFd file;
    uint64_t file_offset = 0, file_bytes = 0;
  };
  OwnedFd socket;
  std::string listener, protocol, peer;
  absl::string_view
      input;  // kInputPadding readable bytes follow. Valid like the packet or `memory`
  std::vector<Segment> output;
  MovedFlags flags;
  Mapping memory;  // where the input is, if it was large
};

// Sends it as one packet. Blocking: never. kFull: not now. Errors: no memory or descriptors for a
// large one.
absl::StatusOr<PacketOutcome> SendOffer(int link, uint64_t id,
                                        const OutgoingConnection& connection);

// Reads a packet. Errors: InvalidArgument; the sender is broken, or newer than this binary.
absl::StatusOr<IncomingConnection> ReadOffer(const proto::Offer& offer, absl::string_view payload,
                                             absl::Span<OwnedFd> fds);

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_HANDOVER_MESSAGE_H_
