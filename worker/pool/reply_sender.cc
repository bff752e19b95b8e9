#include "worker/pool/reply_sender.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "common/job_channel.h"
#include "common/log.h"
#include "common/pools.h"
#include "common/posix.h"
#include "proto/control.pb.h"

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
  shared_ = {};
}

void ReplySender::Abort() {
  if (used_ != nullptr) used_->buffer->header()->in_use.store(0);
  used_ = nullptr;
  reply_.clear_pieces();
  reply_.clear_parts();
  reply_.clear_shared_bytes();
  reply_.clear_content_type();
  reply_.clear_content_encoding();
  payload_.clear();
  fds_.clear();
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

void ReplySender::SendPartResult(absl::string_view result) {
  payload_.push_back(result);
  Transmit();
}

// Of memory that the parts of a job share: nothing else writes there any more.
bool ReplySender::IsShared(const ResponsePiece& piece) const {
  const absl::string_view bytes = piece.bytes();
  return !piece.is_file() && !bytes.empty() && std::less_equal<>()(shared_.data(), bytes.data()) &&
         std::less_equal<>()(bytes.data() + bytes.size(), shared_.data() + shared_.size());
}

void ReplySender::Send(const Response& response) {
  uint64_t bytes = 0;
  size_t files = 0, shared = 0;
  for (const ResponsePiece& piece : response.pieces) {
    if (piece.is_missing) {
      return SendError(ErrorCode::kHandlerFailed, "response with a file that is not open");
    }
    if (IsShared(piece)) {
      ++shared;
      continue;
    }
    if (!piece.is_file()) {
      bytes += piece.bytes().size();
      continue;
    }
    ++files;
    // The client gets it while this process goes on: nobody may change it any more.
    if (piece.is_memfd && !SealForEver(piece.file.get())) {
      return SendError(ErrorCode::kHandlerFailed,
                       "response in a memfd that is still mapped for writing, or not sealable");
    }
  }
  if (response.pieces.size() > kMaxPieces || files > kMaxResponseFiles) {
    return SendError(ErrorCode::kHandlerFailed, "response of too many pieces");
  }
  if (response.content_type.size() + response.content_encoding.size() > kMaxTypeBytes) {
    return SendError(ErrorCode::kHandlerFailed, "response of a content type that is too long");
  }
  const bool in_buffer =
      bytes > kInlinePayloadMax || (bytes > kAlwaysInline && ChannelIsHalfFull());
  if (in_buffer && !PutInBuffer(response, bytes)) {
    return SendError(ErrorCode::kOverloaded, kNoPayloadMemory);
  }
  reply_.set_status(static_cast<uint32_t>(response.status));
  reply_.set_content_type(response.content_type.data(), response.content_type.size());
  reply_.set_content_encoding(response.content_encoding.data(), response.content_encoding.size());
  if (in_buffer || files > 0 || shared > 0) {
    AddPieces(response, in_buffer);
  }
  if (!in_buffer) {
    for (const ResponsePiece& piece : response.pieces) {
      if (!piece.is_file() && !IsShared(piece)) payload_.push_back(piece.bytes());
    }
  }
  Transmit();
}

// Lists the pieces in order; runs of bytes become one piece.
void ReplySender::AddPieces(const Response& response, bool in_buffer) {
  uint64_t offset = ResultHeader::kBytes;
  proto::Piece* run = nullptr;
  for (const ResponsePiece& piece : response.pieces) {
    if (piece.is_file()) {
      run = nullptr;
      proto::Piece* const file = reply_.add_pieces();
      file->set_source(proto::Piece::FILE);
      file->set_bytes(piece.file_bytes);
      file->set_offset(piece.file_offset);
      fds_.push_back(piece.file.get());
      continue;
    }
    if (piece.bytes().empty()) continue;
    if (IsShared(piece)) {
      run = nullptr;
      proto::Piece* const part = reply_.add_pieces();
      part->set_source(proto::Piece::SHARED);
      part->set_bytes(piece.bytes().size());
      part->set_offset(static_cast<uint64_t>(piece.bytes().data() - shared_.data()));
      continue;
    }
    if (run == nullptr) {
      run = reply_.add_pieces();
      if (in_buffer) {
        run->set_source(proto::Piece::MEMFD);
        run->set_offset(offset);
        fds_.push_back(used_->buffer->fd());
      }
    }
    run->set_bytes(run->bytes() + piece.bytes().size());
    offset += piece.bytes().size();
  }
}

bool ReplySender::PutInBuffer(const Response& response, uint64_t bytes) {
  if (ReplyChannel() < 0) return false;  // garbage in the queue
  used_ = FindFree(bytes);
  if (used_ == nullptr) return false;
  char* to = used_->buffer->data();
  for (const ResponsePiece& piece : response.pieces) {
    if (piece.is_file() || IsShared(piece)) continue;
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
  EncodeEnvelope(reply_, &encoded_);
  if (SendJobPacket(channel, encoded_, payload_, fds_) == PacketOutcome::kDone) return;
  if (used_ != nullptr) used_->buffer->header()->in_use.store(0, std::memory_order_release);
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
