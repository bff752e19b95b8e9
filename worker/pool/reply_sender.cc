#include "worker/pool/reply_sender.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "absl/strings/str_cat.h"
#include "common/job_channel.h"
#include "common/log.h"
#include "common/pools.h"
#include "common/posix.h"
#include "proto/control.pb.h"
#include "worker/pool/handler_check.h"

namespace windlass {
namespace {

constexpr uint64_t kAlwaysInline = 1 << 10;
constexpr size_t kMaxTypeBytes = 4096;  // with the encoding; what clients see is a header
constexpr size_t kMaxPieces = kMaxResponsePieces;
static_assert(kMaxPieces <= kMaxPacketFds);

bool SealForEver(int memfd) {
  return AddSeals(memfd, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE).ok();
}

}  // namespace

ReplySender::ReplySender(const ProcessSetup& setup, ControlChannel* control)
    : setup_(setup), control_(control) {}

void ReplySender::Begin(JobId id, Instant started) {
  id_ = id;
  started_ = started;
  reply_.Clear();
  reply_.set_started_ns(static_cast<uint64_t>(started.ns));
  reply_.set_slot(setup_.slot.value);
  payload_.clear();
  fds_.clear();
  used_ = nullptr;
  is_refused_ = false;
  sends_reserved_ = false;
  shared_ = {};
  part_bytes_ = {};
}

void ReplySender::GiveBack(Held** held) {
  if (*held != nullptr) {
    (*held)->buffer->header()->in_use.store(0, std::memory_order_release);
  }
  *held = nullptr;
}

void ReplySender::Abort() {
  GiveBack(&used_);
  GiveBack(&reserved_);
  sends_reserved_ = false;
  reply_.clear_pieces();
  reply_.clear_parts();
  reply_.clear_shared_bytes();
  reply_.clear_content_type();
  reply_.clear_content_encoding();
  payload_.clear();
  fds_.clear();
}

void ReplySender::NoteParts(absl::Span<const char> shared, absl::Span<const uint64_t> part_bytes) {
  shared_ = shared;
  part_bytes_ = part_bytes;
}

absl::StatusOr<absl::Span<char>> ReplySender::Reserve(size_t bytes) {
  if (reserved_ != nullptr) return absl::InternalError("ResponseMemory: asked for twice");
  if (bytes == 0) return absl::Span<char>();
  // No channel: garbage in the queue.
  Held* const found = ReplyChannel() < 0 ? nullptr : FindFree(bytes);
  if (found == nullptr) {
    is_refused_ = true;
    return absl::ResourceExhaustedError("no memory left for payloads");
  }
  reserved_ = found;
  reserved_->owner = id_;
  reserved_->buffer->header()->in_use.store(id_.word(), std::memory_order_release);
  return absl::MakeSpan(reserved_->buffer->data(), bytes);
}

void ReplySender::SendError(ErrorCode code, absl::string_view message) {
  reply_.set_status(static_cast<uint32_t>(code));
  reply_.set_is_error(true);
  reply_.set_message(message.data(), std::min(message.size(), size_t{4096}));
  Transmit();
}

void ReplySender::SendElsewhere(uint32_t handler) {
  NoteHandler(handler);
  reply_.set_elsewhere(true);
  Transmit();
}

void ReplySender::SendSplit(PartList* parts) {
  for (const std::string& part : parts->parts()) reply_.add_parts(part);
  reply_.set_shared_bytes(parts->shared_bytes());
  if (parts->shared_bytes() > 0) fds_.push_back(parts->shared_fd());
  Transmit();
  parts->Clear();
}

void ReplySender::SendPartResult(const PartResult& result) {
  if (!result.content.empty()) {
    const ResponsePiece content = ResponsePiece::Borrowed(result.content);
    const bool in_buffer = PlaceOf(content) != Place::kReserved;
    if (in_buffer && !PutInBuffer({&content, 1}, content.size())) {
      return SendError(ErrorCode::kOverloaded, kNoPayloadMemory);
    }
    AddPieces({&content, 1}, in_buffer);
  }
  payload_.push_back(result.bytes);
  Transmit();
}

ReplySender::Place ReplySender::PlaceOf(const ResponsePiece& piece) const {
  if (piece.is_file()) return Place::kFile;
  if (piece.is_part()) return Place::kPart;
  const absl::string_view bytes = piece.bytes();
  const auto holds = [bytes](absl::Span<const char> memory) {
    return !bytes.empty() && std::less_equal<>()(memory.data(), bytes.data()) &&
           std::less_equal<>()(bytes.data() + bytes.size(), memory.data() + memory.size());
  };
  if (holds(shared_)) return Place::kShared;  // nothing else writes there any more
  if (reserved_ == nullptr) return Place::kElsewhere;
  const ResultBuffer& reserved = *reserved_->buffer;
  return holds({reserved.data(), reserved.capacity()}) ? Place::kReserved : Place::kElsewhere;
}

void ReplySender::Send(const Response& response) {
  uint64_t bytes = 0;
  size_t files = 0, parts = 0;
  uint64_t seen = 0;             // parts, a bit each
  bool is_all_elsewhere = true;  // may be the packet's payload as it is
  for (const ResponsePiece& piece : response.pieces) {
    if (piece.is_missing) {
      return SendError(ErrorCode::kHandlerFailed, "response with a file that is not open");
    }
    const Place place = PlaceOf(piece);
    if (place == Place::kElsewhere) {
      bytes += piece.bytes().size();
      continue;
    }
    is_all_elsewhere = false;
    if (place == Place::kPart) {
      const absl::Status checked = CheckPartPiece(piece.part, part_bytes_, &seen);
      if (!checked.ok()) return SendError(ErrorCode::kHandlerFailed, checked.message());
      ++parts;
    }
    if (place != Place::kFile) continue;
    ++files;
    // The client gets it while this process goes on: nobody may change it any more.
    if (piece.is_memfd && !SealForEver(piece.file.get())) {
      return SendError(ErrorCode::kHandlerFailed,
                       "response in a memfd that is still mapped for writing, or not sealable");
    }
  }
  if (response.pieces.size() - parts > kMaxPieces) {
    return SendError(ErrorCode::kHandlerFailed, TooManyPieces(response.pieces.size() - parts));
  }
  if (files > kMaxResponseFiles) {
    return SendError(ErrorCode::kHandlerFailed,
                     absl::StrCat("response of too many pieces: ", files, " files, at most ",
                                  kMaxResponseFiles));
  }
  if (response.content_type.size() + response.content_encoding.size() > kMaxTypeBytes) {
    return SendError(ErrorCode::kHandlerFailed, "response of a content type that is too long");
  }
  const bool in_buffer =
      bytes > kInlinePayloadMax || (bytes > kAlwaysInline && ChannelIsHalfFull());
  if (in_buffer && !PutInBuffer(response.pieces, bytes)) {
    return SendError(ErrorCode::kOverloaded, kNoPayloadMemory);
  }
  reply_.set_status(static_cast<uint32_t>(response.status));
  reply_.set_content_type(response.content_type.data(), response.content_type.size());
  reply_.set_content_encoding(response.content_encoding.data(), response.content_encoding.size());
  if (in_buffer || !is_all_elsewhere) AddPieces(response.pieces, in_buffer);
  if (!in_buffer) {
    for (const ResponsePiece& piece : response.pieces) {
      if (PlaceOf(piece) == Place::kElsewhere) payload_.push_back(piece.bytes());
    }
  }
  Transmit();
}

// Lists the pieces in order; runs of bytes become one piece.
void ReplySender::AddPieces(absl::Span<const ResponsePiece> pieces, bool in_buffer) {
  uint64_t offset = ResultHeader::kBytes;
  proto::Piece* run = nullptr;
  const auto add = [this, &run](proto::Piece::Source source, uint64_t bytes, uint64_t at) {
    run = nullptr;
    proto::Piece* const added = reply_.add_pieces();
    added->set_source(source);
    added->set_bytes(bytes);
    added->set_offset(at);
    return added;
  };
  for (const ResponsePiece& piece : pieces) {
    const absl::string_view bytes = piece.bytes();
    switch (PlaceOf(piece)) {
      case Place::kFile:
        add(proto::Piece::FILE, piece.file_bytes, piece.file_offset);
        fds_.push_back(piece.file.get());
        break;
      case Place::kShared:
        add(proto::Piece::SHARED, bytes.size(),
            static_cast<uint64_t>(bytes.data() - shared_.data()));
        break;
      case Place::kPart: {
        const auto part = static_cast<uint32_t>(piece.part);
        add(proto::Piece::PART, part_bytes_[part], 0)->set_part(part);
        break;
      }
      case Place::kReserved: {
        const char* const begin = reserved_->buffer->data();
        add(proto::Piece::MEMFD, bytes.size(),
            ResultHeader::kBytes + static_cast<uint64_t>(bytes.data() - begin));
        fds_.push_back(reserved_->buffer->fd());
        sends_reserved_ = true;
        break;
      }
      case Place::kElsewhere:
        if (bytes.empty()) break;
        if (run == nullptr) {
          run = add(in_buffer ? proto::Piece::MEMFD : proto::Piece::INLINE, 0,
                    in_buffer ? offset : 0);
          if (in_buffer) fds_.push_back(used_->buffer->fd());
        }
        run->set_bytes(run->bytes() + bytes.size());
        offset += bytes.size();
        break;
    }
  }
}

bool ReplySender::PutInBuffer(absl::Span<const ResponsePiece> pieces, uint64_t bytes) {
  if (ReplyChannel() < 0) return false;  // garbage in the queue
  used_ = FindFree(bytes);
  if (used_ == nullptr) return false;
  char* to = used_->buffer->data();
  for (const ResponsePiece& piece : pieces) {
    if (PlaceOf(piece) != Place::kElsewhere) continue;
    std::memcpy(to, piece.bytes().data(), piece.bytes().size());
    to += piece.bytes().size();
  }
  used_->owner = id_;
  used_->buffer->header()->in_use.store(id_.word(), std::memory_order_release);
  return true;
}

void ReplySender::Transmit() {
  reply_.set_id(id_.word());
  const Instant now = MonotonicNow();
  reply_.set_run_ns(static_cast<uint64_t>(now.ns - started_.ns));
  const int channel = ReplyChannel();
  if (channel < 0) return;  // garbage in the queue: nobody to answer
  if (!sends_reserved_) GiveBack(&reserved_);
  EncodeEnvelope(reply_, &encoded_);
  const PacketOutcome outcome = SendJobPacket(channel, encoded_, payload_, fds_);
  if (outcome == PacketOutcome::kDone) {
    reserved_ = nullptr;  // the worker's, until it is free again
    return;
  }
  GiveBack(&used_);
  GiveBack(&reserved_);
  Bump(setup_.scoreboard->MutableSlot(setup_.slot).replies_dropped);
  proto::Report report;
  report.mutable_reply_dropped()->set_worker_slot(id_.slot().value);
  report.mutable_reply_dropped()->set_incarnation(id_.incarnation());
  control_->Send(report);
}

int ReplySender::ReplyChannel() const {
  const size_t index = size_t{id_.slot().value} - setup_.first_worker;  // wraps below the first
  return index < setup_.reply_channels.size() ? setup_.reply_channels[index] : -1;
}

bool ReplySender::ChannelIsHalfFull() const {
  const int channel = ReplyChannel();
  if (channel < 0) return false;
  return UnsentQueueBytes(channel) > SendBufferBytes(channel) / 2;
}

bool ReplySender::IsFree(const Held& held) const {
  if (&held == reserved_) return false;  // also if nobody waits for the answer any more
  if (held.buffer->header()->in_use.load(std::memory_order_acquire) == 0) return true;
  const ProcessSlot& owner = setup_.scoreboard->slot(held.owner.slot());
  if (owner.pid.load() == 0 || owner.incarnation.load() != held.owner.incarnation()) return true;
  // The worker has said that it will not use this answer.
  const size_t at = ProcessSlot::CancelledAt(held.owner, setup_.config->pools.size());
  return owner.cancelled[at].load(std::memory_order_relaxed) == held.owner.word();
}

// Accounts for writing `bytes`. False: the server's payloads are at their budget.
bool ReplySender::Grow(Held* held, uint64_t bytes) {
  if (bytes <= held->touched) return true;
  ProcessSlot& slot = setup_.scoreboard->MutableSlot(setup_.slot);
  slot.payload_bytes.fetch_add(bytes - held->touched);  // first claim, then look
  if (setup_.scoreboard->PayloadBytes(PoolKey(setup_.config->pools[setup_.pool].name)) >
      PoolShare(setup_.payload_budget_bytes, *setup_.config)) {
    slot.payload_bytes.fetch_sub(bytes - held->touched);
    return false;
  }
  held->touched = bytes;
  return true;
}

ReplySender::Held* ReplySender::FindFree(uint64_t bytes) {
  Held* best = nullptr;
  for (const auto& held : buffers_) {
    if (held->buffer->capacity() < bytes || !IsFree(*held)) continue;
    if (best == nullptr || held->buffer->capacity() < best->buffer->capacity()) best = held.get();
  }
  if (best != nullptr && Grow(best, bytes)) return best;
  absl::StatusOr<std::unique_ptr<ResultBuffer>> made =
      ResultBuffer::Create(PayloadCapacityFor(bytes));
  if (!made.ok()) {
    LOG_LIMITED(ERROR, no_memory_log_, MonotonicNow())
        << "result of " << bytes << " bytes: " << made.status().ToString();
    return nullptr;
  }
  auto held = std::make_unique<Held>();
  held->buffer = *std::move(made);
  if (!Grow(held.get(), bytes)) {
    Trim();  // what is free but too small, and try once more
    if (!Grow(held.get(), bytes)) return nullptr;
  }
  buffers_.push_back(std::move(held));
  return buffers_.back().get();
}

void ReplySender::Trim() {
  ProcessSlot& slot = setup_.scoreboard->MutableSlot(setup_.slot);
  for (size_t i = buffers_.size(); i-- > 0;) {
    if (!IsFree(*buffers_[i])) continue;
    slot.payload_bytes.fetch_sub(buffers_[i]->touched);
    buffers_.erase(buffers_.begin() + static_cast<ptrdiff_t>(i));
  }
}

}  // namespace windlass
