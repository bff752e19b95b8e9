#include "worker/io/handover_message.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/job_channel.h"
#include "worker/framing/framing.h"

namespace windlass {
namespace {

uint64_t MemoryBytes(const OutgoingConnection::Segment& segment) {
  uint64_t bytes = 0;
  for (absl::string_view part : segment.memory) bytes += part.size();
  return bytes;
}

// A memfd that holds `parts` and the padding behind them, sealed against shrinking.
absl::StatusOr<OwnedFd> InMemfd(absl::Span<const absl::string_view> parts, uint64_t bytes) {
  const uint64_t size = bytes + kInputPadding;
  absl::StatusOr<OwnedFd> memfd = MemfdCreate("windlass-handover", size);
  if (!memfd.ok()) return memfd.status();
  const absl::StatusOr<Mapping> mapping = Mapping::Shared(memfd->get(), size, 0, true);
  if (!mapping.ok()) return mapping.status();
  char* to = mapping->data();
  for (absl::string_view part : parts) {
    if (!part.empty()) std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
  if (absl::Status sealed = AddSeals(memfd->get(), F_SEAL_SHRINK); !sealed.ok()) return sealed;
  return memfd;
}

absl::Status Broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("hand-over: ", what));
}

// The whole payload of an offer whose payload is in a memfd.
absl::StatusOr<Mapping> MapPayload(int fd, uint64_t bytes) {
  const absl::StatusOr<FileIdentity> identity = IdentifyFile(fd);
  if (!identity.ok()) return identity.status();
  if ((GetSeals(fd) & F_SEAL_SHRINK) == 0 || identity->size < kInputPadding ||
      identity->size - kInputPadding < bytes) {
    return Broken("the memory is too small, or not sealed");
  }
  return Mapping::Shared(fd, identity->size, 0, /*writable=*/false);
}

}  // namespace

absl::StatusOr<PacketOutcome> SendOffer(int link, uint64_t id,
                                        const OutgoingConnection& connection) {
  proto::Offer offer;
  offer.set_version(kHandOverVersion);
  offer.set_id(id);
  offer.set_listener(connection.listener.data(), connection.listener.size());
  offer.set_protocol(connection.protocol.data(), connection.protocol.size());
  offer.set_input_bytes(connection.input.size());
  offer.set_skip_bytes(connection.flags.skip_bytes);
  offer.set_tail_bytes(connection.flags.tail_bytes);
  offer.set_peer_done(connection.flags.peer_done);
  offer.set_finishing(connection.flags.finishing);
  offer.set_peer(connection.peer.data(), connection.peer.size());
  offer.set_awaits_proxy(connection.flags.awaits_proxy);
  offer.set_accepted_ns(static_cast<uint64_t>(connection.flags.accepted.ns));
  offer.set_last_active_ns(static_cast<uint64_t>(connection.flags.last_active.ns));
  offer.set_frame_since_ns(static_cast<uint64_t>(connection.flags.frame_since.ns));
  uint64_t bytes = connection.input.size();
  std::vector<absl::string_view> payload = {connection.input};
  std::vector<int> files;
  for (const OutgoingConnection::Segment& segment : connection.output) {
    proto::Offer::Segment* const described = offer.add_output();
    described->set_bytes(MemoryBytes(segment));
    bytes += described->bytes();
    payload.insert(payload.end(), segment.memory.begin(), segment.memory.end());
    if (segment.file < 0) continue;
    described->set_has_file(true);
    described->set_file_offset(segment.file_offset);
    described->set_file_bytes(segment.file_bytes);
    files.push_back(segment.file);
  }
  std::vector<int> fds = {connection.socket};
  OwnedFd memory;
  // Many small parts as well: a packet's pieces are limited.
  if (bytes > kInlinePayloadMax || payload.size() > 16) {
    absl::StatusOr<OwnedFd> made = InMemfd(payload, bytes);
    if (!made.ok()) return made.status();
    memory = *std::move(made);
    fds.push_back(memory.get());
    offer.set_in_memfd(true);
    payload.clear();
  }
  fds.insert(fds.end(), files.begin(), files.end());
  std::string encoded;
  EncodeEnvelope(offer, &encoded);
  return SendJobPacket(link, encoded, payload, fds);
}

absl::StatusOr<IncomingConnection> ReadOffer(const proto::Offer& offer, absl::string_view payload,
                                             absl::Span<OwnedFd> fds) {
  if (offer.version() != kHandOverVersion) return Broken("of an unknown version");
  size_t next_fd = 0;
  const auto take_fd = [&]() -> OwnedFd {
    return next_fd < fds.size() ? std::move(fds[next_fd++]) : OwnedFd();
  };
  IncomingConnection connection;
  connection.socket = take_fd();
  if (!connection.socket.valid()) return Broken("without a socket");
  uint64_t bytes = offer.input_bytes();
  for (const proto::Offer::Segment& segment : offer.output()) {
    if (__builtin_add_overflow(bytes, segment.bytes(), &bytes)) return Broken("sizes");
  }
  if (offer.in_memfd()) {
    const OwnedFd memory = take_fd();
    if (!memory.valid()) return Broken("without its memory");
    absl::StatusOr<Mapping> mapped = MapPayload(memory.get(), bytes);
    if (!mapped.ok()) return mapped.status();
    connection.memory = *std::move(mapped);
    payload = {connection.memory.data(), bytes};
  }
  if (payload.size() != bytes) return Broken("sizes");
  connection.listener = offer.listener();
  connection.protocol = offer.protocol();
  connection.peer = offer.peer();
  connection.input = payload.substr(0, offer.input_bytes());
  size_t at = offer.input_bytes();
  for (const proto::Offer::Segment& segment : offer.output()) {
    IncomingConnection::Segment& part = connection.output.emplace_back();
    part.bytes.assign(payload.data() + at, segment.bytes());
    at += segment.bytes();
    if (!segment.has_file()) continue;
    part.file = take_fd();
    if (!part.file.valid()) return Broken("without its file");
    const absl::StatusOr<FileIdentity> identity = IdentifyFile(part.file.get());
    if (!identity.ok() || !identity->is_regular) return Broken("a file that is none");
    part.file_offset = segment.file_offset();
    part.file_bytes = segment.file_bytes();
  }
  connection.flags = {offer.skip_bytes(),
                      offer.tail_bytes(),
                      offer.peer_done(),
                      offer.finishing(),
                      offer.awaits_proxy(),
                      Instant{static_cast<int64_t>(offer.accepted_ns())},
                      Instant{static_cast<int64_t>(offer.last_active_ns())},
                      Instant{static_cast<int64_t>(offer.frame_since_ns())}};
  return connection;
}

}  // namespace windlass
