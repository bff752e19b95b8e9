// The part of worker/io/connection.h that moves a connection to another worker, and takes one over.
#include <algorithm>

#include "common/config_keys.h"
#include "common/log.h"
#include "worker/io/connection.h"

namespace windlass {
namespace {

// More than that is copied for too long: it goes its way here.
constexpr uint64_t kMaxMovedContent = 64 << 20;
constexpr uint64_t kMaxMovedAnswer = 64 << 20;

}  // namespace

void Connection::Quiesce() {
  switch (state_) {
    case ConnState::kReceivingContent:
    case ConnState::kAwaitingMemory:
      // What has come is copied; so much is better received to its end first (OnContentComplete).
      if (ContentArrived() > kMaxMovedContent) return;
      UnreceiveContent();
      break;
    case ConnState::kAtLimit:
      since_ = io_->now();  // the wait was not the client's
      break;
    case ConnState::kReadingFrames:
    case ConnState::kSkippingContent:
      break;
    // These take no requests as it is.
    case ConnState::kHalfClosed:
    case ConnState::kFinishing:
    case ConnState::kQuiescing:
    case ConnState::kMoving:
    case ConnState::kClosed:
      return ScheduleFlush();
    case ConnState::kLingering:
      return ArmNoLaterThan(NextTimeout());
  }
  Enter(ConnState::kQuiescing);
  quiesced_ = io_->now();
  if (CanMove() && output_.empty()) {
    io_->to_move.push_back(token_);  // nothing to send first; and it is not watched much longer
  } else {
    UpdateInterest();
    ScheduleFlush();
  }
}

// A request whose content has begun to arrive becomes what it was: bytes that nobody has cut.
void Connection::UnreceiveContent() {
  Exchange* const exchange = receiving_;
  CHECK(output_.TakeLast() == exchange);
  const uint64_t arrived = ContentArrived();
  const std::string rest(input_.view());
  input_.Clear();
  input_.Append(exchange->out);  // its head
  if (decoder_ != nullptr) {
    std::string prefix;
    decoder_->AppendPrefix(&prefix);
    input_.Append(prefix);
    decoder_.reset();
  }
  // There may be a buffer for content that has become large, and no memory yet to copy it there.
  const bool is_in_buffer = exchange->request != nullptr && exchange->content.empty();
  input_.Append(is_in_buffer ? absl::string_view(exchange->request->data(), arrived)
                             : absl::string_view(exchange->content));
  input_.Append(rest);
  (void)TakeReceiving();
  content_left_ = 0;
  tail_left_ = 0;
  cut_ = CutState{};
  Abandon(exchange);
}

bool Connection::CanMove() const {
  if (output_.answered_bytes() > kMaxMovedAnswer) return false;  // each flush looks again
  switch (state_) {
    case ConnState::kQuiescing:
      return output_.all_answered();
    case ConnState::kHalfClosed:
    case ConnState::kFinishing:
      // Only a client that does not take its answers is worth the move: the others are done.
      return io_->leaving && !IsDraining() && output_.all_answered() && !output_.empty();
    default:
      return false;
  }
}

bool Connection::Pack(OutgoingConnection* into) {
  CHECK(CanMove());
  *into = OutgoingConnection{};
  size_t files = 0;
  const auto segment = [into]() -> OutgoingConnection::Segment& {
    if (into->output.empty() || into->output.back().file >= 0) into->output.emplace_back();
    return into->output.back();
  };
  const bool closes =
      output_.ForEachUnsent([&](absl::string_view bytes) { segment().memory.push_back(bytes); },
                            [&](const AnswerPiece& piece) {
                              OutgoingConnection::Segment& part = segment();
                              part.file = piece.file.get();
                              part.file_offset = piece.offset;
                              part.file_bytes = piece.bytes;
                              ++files;
                            });
  if (files > kMaxMovedFiles) return false;
  into->socket = socket_.get();
  into->listener = listener_->address;
  into->protocol = ProtocolName(listener_->config->protocol);
  into->peer = peer_;
  into->input = input_.view();
  into->flags = {
      content_left_, static_cast<uint32_t>(tail_left_),
      peer_done_,    closes || state_ == ConnState::kFinishing,
      awaits_proxy_, accepted_,
      last_active_,  state_ == ConnState::kQuiescing ? since_ + (io_->now() - quiesced_) : since_};
  // Before the other worker has it: an entry whose descriptor is open elsewhere goes on reporting.
  io_->selector->Unregister(socket_.get());
  timer_.Disarm();
  lease_.Reset();  // it is not counted twice
  before_move_ = state_;
  Enter(ConnState::kMoving);
  return true;
}

void Connection::LetGo() {
  CHECK(state_ == ConnState::kMoving);
  Close(CloseReason::kMoved);
}

// Back to what it was before Pack. False: it cannot be watched any more, and is closed.
bool Connection::Unpack() {
  CHECK(state_ == ConnState::kMoving);
  output_blocked_ = !output_.empty();
  const absl::Status watched =
      io_->selector->Register(socket_.get(), ConnInterest(before_move_, output_blocked_), token_);
  if (!watched.ok()) {
    Close(CloseReason::kPeerGone);  // no memory to watch it: this client, nobody else
    return false;
  }
  CountPeer();
  Enter(before_move_);
  if (output_blocked_) blocked_since_ = io_->now();
  io_->timers->Arm(&timer_, NextTimeout());
  return true;
}

void Connection::Stay(bool finish) {
  if (!Unpack()) return;
  finishes_ = finishes_ || finish;
  Resume();
}

void Connection::Resume() {
  if (state_ == ConnState::kQuiescing) {
    since_ = since_ + (io_->now() - quiesced_);  // nobody read, so the client was not late
    Enter(content_left_ > 0 ? ConnState::kSkippingContent : ConnState::kReadingFrames);
    CutWaitingInput();
  }
  if (closed()) return;
  if (IsDraining()) return Drain();
  ScheduleFlush();
  UpdateInterest();
}

absl::Status Connection::StartMoved(IncomingConnection moved) {
  const MovedFlags& flags = moved.flags;
  awaits_proxy_ = flags.awaits_proxy;
  peer_ = std::move(moved.peer);
  CountPeer();
  BeginAccessLog();
  has_asked_ = flags.last_active > flags.accepted;
  accepted_ = std::clamp(flags.accepted, Instant{}, io_->now());
  last_active_ = std::clamp(flags.last_active, Instant{}, io_->now());
  since_ = std::clamp(flags.frame_since, Instant{}, io_->now());
  peer_done_ = flags.peer_done;
  content_left_ = flags.skip_bytes;
  tail_left_ = flags.tail_bytes;
  if (flags.finishing) {
    state_ = ConnState::kFinishing;
  } else if (flags.peer_done) {
    state_ = ConnState::kHalfClosed;
  } else if (content_left_ > 0) {
    state_ = ConnState::kSkippingContent;
  }
  absl::Status watched =
      io_->selector->Register(socket_.get(), ConnInterest(state_, false), token_);
  if (!watched.ok()) {
    state_ = ConnState::kClosed;
    return watched;
  }
  for (IncomingConnection::Segment& segment : moved.output) {
    // Bytes that wait for no file go where a stream without frames puts its own.
    if (!segment.file.valid() && !output_.has_exchanges()) {
      output_.raw().Append(segment.bytes);
      continue;
    }
    Exchange* const exchange = io_->exchanges->Take(this);
    exchange->state = Exchange::State::kAnswered;
    exchange->out = std::move(segment.bytes);
    if (segment.file.valid()) {
      AnswerPiece& piece = exchange->pieces.emplace_back();
      piece.file = std::move(segment.file);
      piece.offset = segment.file_offset;
      piece.bytes = segment.file_bytes;
    }
    output_.Push(exchange);
    output_.OnAnswered(*exchange);
  }
  ArmNoLaterThan(NextTimeout());
  if (state_ == ConnState::kReadingFrames && !moved.input.empty()) {
    const uint32_t before = output_.exchanges();
    const size_t used = CutFrames(moved.input);
    if (receiving_ != nullptr && output_.exchanges() == before + 1) {
      // The frame that had begun to arrive there: large content that is still coming.
      since_ = std::clamp(flags.frame_since, Instant{}, io_->now());
      ArmNoLaterThan(NextTimeout());
    } else if (used > 0) {
      since_ = io_->now();  // of the next frame, if it has begun
    }
    if (!closed() && state_ != ConnState::kFinishing && used < moved.input.size()) {
      input_.Append(moved.input.substr(used));
      ArmNoLaterThan(since_ + listener_->config->frame_timeout);
    }
  } else if (state_ == ConnState::kSkippingContent) {
    input_.Append(moved.input);
  }
  ScheduleFlush();
  UpdateInterest();
  return absl::OkStatus();
}

}  // namespace windlass
