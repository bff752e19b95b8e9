#include "worker/io/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "common/config_keys.h"
#include "common/job_channel.h"
#include "common/log.h"
#include "common/posix.h"

namespace windlass {
namespace {

// A client that connected so shortly before the end, or had sent a part of its request, was on its
// way when we began to drain: so long it has for the rest.
constexpr absl::Duration kDrainPatience = absl::Seconds(1);
constexpr int kMaxDropsAtClose = 64;  // of a scratch buffer each

}  // namespace

Connection::Connection(OwnedFd socket, SelectorToken token, ListenerContext* listener,
                       IoServices* io)
    : socket_(std::move(socket)),
      token_(token),
      listener_(listener),
      io_(io),
      awaits_proxy_(listener->config->proxy_protocol),
      timer_(this) {
  accepted_ = since_ = last_active_ = blocked_since_ = io->now();
}

Connection::~Connection() { CHECK(closed() || !output_.has_exchanges()); }

absl::Status Connection::Start() {
  if (listener_->config->address.kind == ListenAddress::Kind::kTcp) {
    // Answers are whole when they are sent: waiting to fill a segment only delays them. Best
    // effort.
    (void)SetIntOption(socket_.get(), IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");
  }
  if (!AdmitPeer()) {
    state_ = ConnState::kClosed;
    return absl::ResourceExhaustedError("too many connections of its address");
  }
  absl::Status watched =
      io_->selector->Register(socket_.get(), ConnInterest(state_, false), token_);
  if (!watched.ok()) {
    state_ = ConnState::kClosed;
    lease_.Reset();
    return watched;
  }
  io_->timers->Arm(&timer_, NextTimeout());
  BeginAccessLog();
  return absl::OkStatus();
}

// False: its address has as many connections as it may. Who it is may not be known yet.
bool Connection::AdmitPeer() {
  const int most = listener_->config->max_connections_per_address;
  if (most == 0 || awaits_proxy_) return true;
  const std::string peer = CountedPeer();
  std::optional<PeerLimit::Lease> lease = io_->peers->Admit(peer, listener_->address, most);
  if (!lease) {
    LOG_LIMITED(WARNING, io_->peer_limit_log, io_->now())
        << "turned " << peer << " away at " << listener_->address << ": it has " << most
        << " connections (listener.max_connections_per_address)";
    return false;
  }
  lease_ = *std::move(lease);
  return true;
}

// One that moves is not turned away.
void Connection::CountPeer() {
  if (listener_->config->max_connections_per_address == 0 || awaits_proxy_) return;
  lease_ = io_->peers->Take(CountedPeer(), listener_->address);
}

// Of whom a proxy says nothing, and of the proxy itself, nobody: they would share one limit.
std::string Connection::CountedPeer() const {
  return listener_->config->proxy_protocol ? peer_ : PeerName();
}

void Connection::Enter(ConnState next) {
  if (next == state_) return;
  CHECK(CanEnter(state_, next)) << ConnStateName(state_) << " -> " << ConnStateName(next);
  LOG(DEBUG) << "connection " << token_.value << ": " << ConnStateName(state_) << " -> "
             << ConnStateName(next);
  state_ = next;
}

void Connection::UpdateInterest() {
  if (closed() || state_ == ConnState::kMoving) return;
  const absl::Status changed =
      io_->selector->Modify(socket_.get(), ConnInterest(state_, output_blocked_));
  if (!changed.ok())
    Close(CloseReason::kPeerGone);  // no memory to watch it: this client, nobody else
}

void Connection::OnReady(uint32_t events) {
  // After a hang-up there may still be input, and closing with unread input sends a reset, which
  // destroys what the client has not read yet: where input is read, its end is the end.
  const bool reads_to_end = state_ == ConnState::kReadingFrames || state_ == ConnState::kLingering;
  if ((events & kError) != 0 || ((events & kHangup) != 0 && !reads_to_end)) {
    return Close(CloseReason::kPeerGone);
  }
  if ((events & (kReadable | kHangup)) != 0) {
    switch (state_) {
      case ConnState::kReadingFrames:
        listener_->framing->IsRaw() && !awaits_proxy_ ? ReadRaw() : ReadFrames();
        break;
      case ConnState::kReceivingContent:
        ReadContent();
        break;
      case ConnState::kSkippingContent:
      case ConnState::kLingering:
        ReadAndDrop();
        break;
      case ConnState::kAwaitingMemory:
      case ConnState::kAtLimit:
      case ConnState::kHalfClosed:
      case ConnState::kFinishing:
      case ConnState::kQuiescing:
      case ConnState::kMoving:
      case ConnState::kClosed:
        break;
    }
  }
  if ((events & kWritable) != 0 && !closed()) ScheduleFlush();
  FinishIfDraining();
  UpdateInterest();
}

bool Connection::AtLimit() const {
  return output_.exchanges() >= static_cast<uint32_t>(listener_->config->max_in_flight) ||
         output_.answered_bytes() >= kMaxHeldBytes;
}

// The client has sent all it will.
void Connection::OnEndOfInput() {
  peer_done_ = true;
  if (listener_->config->half_close == HalfClose::kCancel || output_.empty())
    return Close(CloseReason::kDone);
  input_.Clear();  // an incomplete frame
  decoder_.reset();
  if (receiving_ != nullptr) {
    // Its content will never be complete; answers before it are still due. It is the last in the
    // order.
    receiving_->close_after = true;
    AnswerError(TakeReceiving(), ErrorCode::kInvalidArgument,
                "the stream ended inside the content");
  }
  Enter(ConnState::kHalfClosed);
}

void Connection::Drain() {
  drained_ = io_->now();
  if (state_ == ConnState::kQuiescing) {
    Enter(content_left_ > 0 ? ConnState::kSkippingContent : ConnState::kReadingFrames);
    CutWaitingInput();
  }
  switch (state_) {
    case ConnState::kReadingFrames:
      // What the client has sent by now counts as asked for.
      if (!listener_->framing->IsRaw()) ReadFrames();
      break;
    case ConnState::kSkippingContent:
      Enter(ConnState::kFinishing);
      break;
    case ConnState::kQuiescing:         // not any more
    case ConnState::kMoving:            // the other worker's answer decides
    case ConnState::kAtLimit:           // what has been received is still taken
    case ConnState::kReceivingContent:  // and so is the rest of this one request
    case ConnState::kAwaitingMemory:
    case ConnState::kHalfClosed:
    case ConnState::kFinishing:
    case ConnState::kLingering:
    case ConnState::kClosed:
      break;
  }
  if (closed()) return;
  FinishIfDraining();
  ScheduleFlush();
  UpdateInterest();
}

void Connection::FinishIfDraining() {
  if (!IsDraining() || state_ != ConnState::kReadingFrames) return;
  if (const Instant end = PatienceEnd(); io_->now() < end) return ArmNoLaterThan(end);
  input_.Clear();
  Enter(ConnState::kFinishing);
  ScheduleFlush();
}

// Until when a request that is under way is waited for; the past when there is none.
Instant Connection::PatienceEnd() const {
  if (!input_.empty()) return drained_ + kDrainPatience;
  return has_asked_ ? accepted_ : accepted_ + kDrainPatience;
}

void Connection::CloseNow() {
  if (closed()) return;
  if (state_ == ConnState::kMoving) return LetGo();  // it may be another worker's by now
  uint64_t sent = 0;
  if (state_ != ConnState::kLingering) {
    (void)output_.Flush(socket_.get(), &sent, [this](Exchange* done) { OnSent(done); });
    ShutdownWrite(socket_.get());
    // Closing with unread input would send a reset, which destroys what was just said.
    for (int i = 0; i < kMaxDropsAtClose; ++i) {
      const IoResult dropped =
          RecvSome(socket_.get(), io_->input_scratch.data(), io_->input_scratch_bytes);
      if (dropped.outcome != IoOutcome::kProgress) break;
    }
  }
  Close(CloseReason::kShutdown);
}

void Connection::Abandon(Exchange* exchange) {
  if (exchange->is_page && io_->pages != nullptr) io_->pages->OnPageGone(exchange);
  io_->dispatchers->Abandon(exchange);
  io_->Release(exchange);
}

void Connection::Close(CloseReason reason) {
  if (closed()) return;
  ProcessSlot& slot = *io_->slot;
  if (reason == CloseReason::kIdleTimeout) Bump(slot.closed_idle);
  if (reason == CloseReason::kFrameTimeout) Bump(slot.closed_frame);
  if (reason == CloseReason::kWriteTimeout) Bump(slot.closed_write);
  const bool is_watched = state_ != ConnState::kMoving;
  Enter(ConnState::kClosed);
  output_.TakeAll([&](Exchange* exchange) {
    LogLost(*exchange, reason);
    Abandon(exchange);
  });
  receiving_ = nullptr;  // it was in the output's order, too
  decoder_.reset();
  if (is_watched) io_->selector->Unregister(socket_.get());
  socket_.Reset();
  lease_.Reset();
  timer_.Disarm();
  input_.Clear();
  output_.raw().Clear();
  io_->closed.push_back(this);
}

// --- Output
// --------------------------------------------------------------------------------------------------------------

Exchange* Connection::NewExchange(const RequestHead& head) {
  Exchange* const exchange = io_->exchanges->Take(this);
  exchange->has_request_id = head.has_request_id;
  exchange->request_id.assign(head.request_id.data(), head.request_id.size());
  exchange->close_after = head.close_after || !listener_->config->keepalive;
  exchange->answer_form = head.answer_form;
  exchange->omit_content = head.omit_content;
  exchange->arrived = io_->now();
  exchange->bytes_in = head.head_bytes + head.tail_bytes;
  // Of larger content, and of content in a coding, it is told when all of it has been taken.
  if (head.content_bytes <= kInlinePayloadMax) exchange->bytes_in += head.content_bytes;
  output_.Push(exchange);
  return exchange;
}

// Of a head that the framing refuses: it counts for the handler that it names.
Exchange* Connection::NewRefused(const RequestHead& head) {
  Exchange* const exchange = NewExchange(head);
  exchange->route_handler = io_->router->IndexOf(head.handler);
  return exchange;
}

void Connection::OnAnswer(Exchange* exchange, const Answer& answer) {
  exchange->deadline.Disarm();
  EncodeAnswer(exchange, answer);
  if (answer.code == ErrorCode::kOverloaded) {
    LOG_LIMITED(WARNING, io_->overloaded_log, io_->now())
        << "a request was refused: " << answer.message;
  }
  NoteAnswered(exchange, answer.code);
}

void Connection::EncodeAnswer(Exchange* exchange, const Answer& answer) {
  Framing& framing = *listener_->framing;
  const bool is_last = exchange->next == nullptr && state_ == ConnState::kFinishing;
  if (IsDraining() && is_last) exchange->close_after = true;
  ResponseHead head;
  head.status = answer.code;
  head.request_id = exchange->request_id;
  head.has_request_id = exchange->has_request_id;
  head.close = exchange->close_after;
  head.answer_form = exchange->answer_form;
  head.http_status = answer.http_status;
  head.retry_ms = answer.retry_ms;
  head.omit_content = exchange->omit_content;
  if (answer.is_plain_error) {
    if (framing.AppendError(head, answer.message, &exchange->out)) return;
    exchange->close_after = true;  // no room for an error: closing says it, and the log says why
    LOG_LIMITED(INFO, io_->closed_by_error_log, io_->now())
        << ProtocolName(listener_->config->protocol)
        << " connection closed by an error: " << ErrorCodeName(answer.code);
    return;
  }
  head.content_type = answer.content_type;
  head.content_encoding = answer.content_encoding;
  head.content_bytes = answer.content.size();
  if (answer.pieces != nullptr) {
    const auto is_in_packet = [&](const AnswerPiece& piece) {
      return piece.result == nullptr && !piece.file.valid() && !piece.is_static &&
             exchange->request == nullptr;
    };
    uint64_t in_packet = 0;
    for (const AnswerPiece& piece : *answer.pieces) {
      head.content_bytes += piece.bytes;
      if (is_in_packet(piece)) in_packet += piece.bytes;
    }
    if (exchange->omit_content) return framing.AppendResponseHead(head, &exchange->out);
    exchange->content.clear();
    exchange->content.reserve(in_packet);  // so that it does not move
    for (AnswerPiece& piece : *answer.pieces) {
      if (is_in_packet(piece)) {
        const size_t at = exchange->content.size();
        exchange->content.append(piece.data, piece.bytes);
        piece.data = exchange->content.data() + at;
      }
      exchange->pieces.push_back(std::move(piece));
    }
    answer.pieces->clear();
  }
  framing.AppendResponseHead(head, &exchange->out);
  if (exchange->omit_content) return;
  exchange->out.append(answer.content.data(), answer.content.size());
  const absl::string_view tail = framing.ResponseTail();
  exchange->out.append(tail.data(), tail.size());
  exchange->tail_bytes = exchange->pieces.empty() ? 0 : tail.size();
}

void Connection::AnswerError(Exchange* exchange, ErrorCode code, absl::string_view message) {
  LOG(DEBUG) << "connection " << token_.value << ": " << ErrorCodeName(code) << ": " << message;
  Answer answer;
  answer.code = code;
  answer.is_plain_error = true;
  answer.message = message;
  OnAnswer(exchange, answer);
}

void Connection::AnswerError(Exchange* exchange, const FrameError& error) {
  Answer answer;
  answer.code = error.code;
  answer.is_plain_error = true;
  answer.message = error.message;
  answer.http_status = error.http_status;
  OnAnswer(exchange, answer);
}

void Connection::ScheduleFlush() {
  if (flush_scheduled_ || closed()) return;
  flush_scheduled_ = true;
  io_->to_flush.push_back(this);
}

void Connection::Flush() {
  flush_scheduled_ = false;
  if (closed() || state_ == ConnState::kMoving) return;
  uint64_t sent = 0;
  const OutputQueue::Outcome outcome =
      output_.Flush(socket_.get(), &sent, [this](Exchange* done) { OnSent(done); });
  if (sent > 0) last_active_ = blocked_since_ = io_->now();
  AfterFlush(outcome);
}

void Connection::AfterFlush(OutputQueue::Outcome outcome) {
  const bool was_blocked = output_blocked_;
  output_blocked_ = outcome == OutputQueue::Outcome::kBlocked;
  if (output_blocked_ && !was_blocked) {
    blocked_since_ = io_->now();
    ArmNoLaterThan(blocked_since_ + listener_->config->write_timeout);
  }
  if (outcome == OutputQueue::Outcome::kPeerGone) return Close(CloseReason::kPeerGone);
  if (outcome == OutputQueue::Outcome::kClose) return BeginLinger();
  if (output_.empty() && state_ == ConnState::kFinishing) return BeginLinger();
  if (output_.empty() && state_ == ConnState::kHalfClosed) return Close(CloseReason::kDone);
  if (state_ == ConnState::kAtLimit && !AtLimit()) {
    Enter(ConnState::kReadingFrames);
    since_ = io_->now();
    CutWaitingInput();
    FinishIfDraining();
    // Nothing may have been left to answer.
    if (state_ == ConnState::kFinishing && output_.empty()) return BeginLinger();
  }
  UpdateInterest();
  if (CanMove()) io_->to_move.push_back(token_);
}

// Everything that will be said has been said. Closing now would reset the connection if the client
// is still sending, and a reset destroys what it has not read yet: so shut our side, and wait for
// its end.
void Connection::BeginLinger() {
  output_.TakeAll([this](Exchange* exchange) {
    LogLost(*exchange, CloseReason::kDone);
    Abandon(exchange);
  });
  receiving_ = nullptr;  // it was in the output's order, too
  decoder_.reset();
  if (peer_done_) return Close(CloseReason::kDone);
  if (state_ != ConnState::kFinishing) Enter(ConnState::kFinishing);
  Enter(ConnState::kLingering);
  output_blocked_ = false;
  input_.Clear();
  ShutdownWrite(socket_.get());
  since_ = io_->now();
  ArmNoLaterThan(NextTimeout());
  UpdateInterest();
}

}  // namespace windlass
