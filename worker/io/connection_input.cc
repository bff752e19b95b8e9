// The input half of worker/io/connection.h: bytes become requests, requests become answers or jobs.
#include <algorithm>
#include <cstring>

#include "common/job_channel.h"
#include "common/log.h"
#include "common/posix.h"
#include "worker/io/connection.h"

namespace windlass {
namespace {

constexpr size_t kLeastRead = 4 << 10;
constexpr uint64_t kMaxContentRead = 1 << 20;  // of large content, in one turn
constexpr absl::Duration kMemoryRetryEvery = absl::Milliseconds(20);
constexpr absl::Duration kMemoryWait = absl::Seconds(2);  // then the request is refused

}  // namespace

// Input is received into the worker's scratch and cut where it lies; only an incomplete frame is
// copied, into a buffer of the connection's own, and then the rest of that frame is received there.
void Connection::ReadFrames() {
  const bool was_waiting = !input_.empty();
  char* into = io_->input_scratch.data();
  size_t room = io_->input_scratch_bytes;
  if (was_waiting) {
    const size_t missing = cut_.need > input_.size() ? cut_.need - input_.size() : 0;
    into = input_.Reserve(std::max(missing, kLeastRead));
    room = input_.room();
  }
  const IoResult got = RecvSome(socket_.get(), into, room);
  if (got.outcome == IoOutcome::kWouldBlock) return;
  if (got.outcome == IoOutcome::kEnd) return OnEndOfInput();
  if (got.outcome == IoOutcome::kPeerGone) return Close(CloseReason::kPeerGone);
  if (was_waiting) {
    input_.Commit(got.bytes);
    return CutWaitingInput();
  }
  const absl::string_view fresh(into, got.bytes);
  const size_t used = CutFrames(fresh);
  if (closed() || used == fresh.size() || state_ == ConnState::kFinishing) return;
  input_.Append(fresh.substr(used));
  since_ = io_->now();
  ArmNoLaterThan(since_ + listener_->config->frame_timeout);
}

void Connection::CutWaitingInput() {
  if (input_.empty()) return;
  const size_t used = CutFrames(input_.view());
  if (closed()) return;
  if (state_ == ConnState::kFinishing) return input_.Clear();
  if (used > 0) {
    input_.Consume(used);
    since_ = io_->now();  // of the next frame, if it has begun
  }
  if (!input_.empty()) ArmNoLaterThan(since_ + listener_->config->frame_timeout);
}

// Takes whole frames off the front of `input`; returns how many bytes are used up.
size_t Connection::CutFrames(absl::string_view input) {
  size_t at = 0;
  while (state_ == ConnState::kReadingFrames && at < input.size()) {
    if (AtLimit()) {
      Enter(ConnState::kAtLimit);
      break;
    }
    if (tail_left_ > 0) {
      const size_t tail = std::min(tail_left_, input.size() - at);
      tail_left_ -= tail;
      at += tail;
      continue;
    }
    const absl::string_view rest = input.substr(at);
    if (rest.size() < cut_.need) break;
    RequestHead head;
    FrameError error;
    const CutOutcome outcome = listener_->framing->CutHead(rest, &cut_, &head, &error);
    if (outcome == CutOutcome::kNeedMore) break;
    if (outcome == CutOutcome::kLost) {
      RequestHead last;
      last.request_id = head.request_id;
      last.has_request_id = head.has_request_id;
      last.close_after = true;
      NoteRequest();
      AnswerError(NewExchange(last), error.code, error.message);
      Enter(ConnState::kFinishing);
      break;
    }
    const size_t content_here =
        std::min<uint64_t>(head.content_bytes, rest.size() - head.head_bytes);
    const bool is_whole = head.frame_bytes() <= rest.size();
    const absl::string_view content = rest.substr(head.head_bytes, content_here);
    if (outcome == CutOutcome::kRefused) {
      NoteRequest();
      AnswerError(NewExchange(head), error.code, error.message);
      content_left_ = head.content_bytes - content_here;
      if (content_left_ > 0) {
        Enter(ConnState::kSkippingContent);
        since_ = io_->now();
        ArmNoLaterThan(since_ + listener_->config->frame_timeout);
      }
      if (head.close_after || !listener_->config->keepalive) Enter(ConnState::kFinishing);
      at += head.head_bytes + content_here;
    } else if (is_whole && head.content_bytes <= kInlinePayloadMax) {
      HandleRequest(head, content);
      at += head.frame_bytes();
    } else if (head.content_bytes > kInlinePayloadMax) {
      tail_left_ = head.tail_bytes;
      at += head.head_bytes + BeginLargeContent(head, rest.substr(0, head.head_bytes), content);
    } else {
      cut_.need = static_cast<uint32_t>(head.frame_bytes());
      break;
    }
    cut_ = CutState{};
  }
  return at;
}

void Connection::NoteRequest() {
  Bump(io_->slot->requests);
  last_active_ = io_->now();
  has_asked_ = true;
}

Instant Connection::JobDeadline(const RequestHead& head, uint32_t handler) const {
  absl::Duration limit = absl::ZeroDuration();
  if (handler < io_->config->handlers.size()) {
    limit = io_->config->handlers[handler].deadline;
  } else {  // not known yet: none of those it may become must be cut short
    for (const HandlerConfig& config : io_->config->handlers)
      limit = std::max(limit, config.deadline);
  }
  if (head.deadline_ms != 0) limit = std::min(limit, absl::Milliseconds(head.deadline_ms));
  return io_->now() + limit;
}

namespace {

JobRequest MakeJobRequest(const RequestHead& head, const Route& route, uint32_t listener,
                          Instant deadline) {
  JobRequest request;
  request.kind = route.kind == Route::Kind::kResolve ? proto::RESOLVE : proto::RUN;
  request.handler = route.handler;
  request.listener = listener;
  request.content_type = head.content_type;
  request.content_encoding = head.content_encoding;
  request.header = head.header;
  request.big_endian = head.big_endian;
  request.deadline = deadline;
  return request;
}

RouteQuery MakeQuery(const RequestHead& head, uint32_t listener) {
  return {listener,        head.handler, head.content_type, head.content_encoding,
          head.big_endian, std::nullopt};
}

uint32_t KnownHandler(const Route& route) {
  return route.kind == Route::Kind::kRun ? route.handler : UINT32_MAX;
}

}  // namespace

void Connection::HandleRequest(const RequestHead& head, absl::string_view content) {
  NoteRequest();
  RouteQuery query = MakeQuery(head, listener_->index);
  query.content = content;
  const Route route = io_->router->Find(query);
  switch (route.kind) {
    case Route::Kind::kInline:
      HandleInline(head, content);
      break;
    case Route::Kind::kRun:
    case Route::Kind::kResolve: {
      const Instant deadline = JobDeadline(head, KnownHandler(route));
      io_->dispatcher->Submit(NewExchange(head),
                              MakeJobRequest(head, route, listener_->index, deadline), content);
      break;
    }
    case Route::Kind::kRefuse:
      AnswerError(NewExchange(head), route.code, route.message);
      break;
    case Route::Kind::kInvalidAction: {
      Answer answer;
      answer.code = route.code;
      answer.content_type = "text/json";
      answer.content_encoding = "utf-8";
      answer.content = route.message;
      OnAnswer(NewExchange(head), answer);
      break;
    }
  }
  if (head.close_after || !listener_->config->keepalive) Enter(ConnState::kFinishing);
}

// The answer is the content. Nobody to wait for: no exchange either, unless there are answers
// before it.
void Connection::HandleInline(const RequestHead& head, absl::string_view content) {
  const bool closes = head.close_after || !listener_->config->keepalive;
  if (!output_.has_exchanges() && !closes) {
    output_.raw().Append(content);
    output_.raw().Append(listener_->framing->ResponseTail());
    Bump(io_->slot->answers[static_cast<size_t>(ErrorCode::kOk)]);
    return ScheduleFlush();
  }
  Answer answer;
  answer.content = content;
  OnAnswer(NewExchange(head), answer);
}

// Bytes back as they came: straight from where they were received, and only what the kernel does
// not take is kept.
void Connection::ReadRaw() {
  const IoResult got = RecvSome(socket_.get(), io_->input_scratch.data(), io_->input_scratch_bytes);
  if (got.outcome == IoOutcome::kWouldBlock) return;
  if (got.outcome == IoOutcome::kEnd) return OnEndOfInput();
  if (got.outcome == IoOutcome::kPeerGone) return Close(CloseReason::kPeerGone);
  last_active_ = io_->now();
  has_asked_ = true;
  Bump(io_->slot->requests);
  absl::string_view bytes(io_->input_scratch.data(), got.bytes);
  if (output_.empty()) {
    const iovec piece = {const_cast<char*>(bytes.data()), bytes.size()};
    const IoResult sent = SendSome(socket_.get(), absl::MakeConstSpan(&piece, 1));
    if (sent.outcome == IoOutcome::kPeerGone) return Close(CloseReason::kPeerGone);
    bytes.remove_prefix(sent.bytes);
  }
  if (bytes.empty()) return;
  output_.raw().Append(bytes);
  if (AtLimit()) Enter(ConnState::kAtLimit);
  ScheduleFlush();
}

// --- Large content
// -------------------------------------------------------------------------------------------------------

// A request whose content goes to memory that the pool can map. Returns how many of the `arrived`
// bytes of content it took.
size_t Connection::BeginLargeContent(const RequestHead& head, absl::string_view head_bytes,
                                     absl::string_view arrived) {
  NoteRequest();
  Exchange* const exchange = NewExchange(head);
  const Route route = io_->router->Find(MakeQuery(head, listener_->index));
  receiving_ = exchange;
  exchange->out.assign(head_bytes.data(), head_bytes.size());  // in case that it must move
  content_left_ = head.content_bytes;
  if (input_.empty()) since_ = io_->now();
  ArmNoLaterThan(since_ + listener_->config->frame_timeout);
  Enter(ConnState::kReceivingContent);
  if (route.kind == Route::Kind::kRefuse) {
    RefuseLargeContent(route.code, route.message);
  } else if (!io_->payloads->CouldEverHold(head.content_bytes)) {
    RefuseLargeContent(ErrorCode::kTooLarge, "content beyond half of workers.payload_memory");
  } else if ((exchange->request = io_->payloads->Take(head.content_bytes)) == nullptr) {
    RefuseLargeContent(ErrorCode::kOverloaded, "no memory for the content, retry in 1000 ms");
  } else {
    exchange->request_bytes = head.content_bytes;
    exchange->is_inline = route.kind == Route::Kind::kInline;
    if (!exchange->is_inline) {
      const Instant deadline = JobDeadline(head, KnownHandler(route));
      io_->dispatcher->Prepare(exchange, MakeJobRequest(head, route, listener_->index, deadline));
    }
  }
  return AbsorbContent(arrived);
}

// Moves content that has arrived already to where it belongs, or drops it. Returns how much that
// is.
size_t Connection::AbsorbContent(absl::string_view arrived) {
  const size_t take = std::min<uint64_t>(content_left_, arrived.size());
  if (state_ == ConnState::kReceivingContent) {
    const uint64_t have = receiving_->request_bytes - content_left_;
    if (!GrowContent(have + take)) return 0;
    std::memcpy(receiving_->request->data() + have, arrived.data(), take);
  } else if (state_ != ConnState::kSkippingContent) {
    return state_ == ConnState::kFinishing ? take : 0;
  }
  content_left_ -= take;
  if (content_left_ == 0) OnContentComplete();
  return take;
}

bool Connection::GrowContent(uint64_t bytes) {
  if (io_->payloads->Grow(receiving_->request.get(), bytes)) return true;
  Enter(ConnState::kAwaitingMemory);
  since_ = io_->now();
  ArmNoLaterThan(since_ + kMemoryRetryEvery);
  return false;
}

void Connection::OnMemoryRetry() {
  const uint64_t have = receiving_->request_bytes - content_left_;
  // As much as the next step will ask for: less would send us straight back here.
  const uint64_t want = have + std::max<uint64_t>(input_.size(), kMaxContentRead);
  if (io_->payloads->Grow(receiving_->request.get(), std::min(want, receiving_->request_bytes))) {
    Enter(ConnState::kReceivingContent);
    since_ = io_->now();
    io_->timers->Arm(&timer_, NextTimeout());
  } else if (io_->now() - since_ < kMemoryWait) {
    return io_->timers->Arm(&timer_, io_->now() + kMemoryRetryEvery);
  } else {
    RefuseLargeContent(ErrorCode::kOverloaded,
                       "the memory for payloads in flight is used up, retry in 1000 ms");
    io_->timers->Arm(&timer_, NextTimeout());
  }
  const size_t taken = AbsorbContent(input_.view());
  if (taken > 0) input_.Consume(taken);
  if (state_ == ConnState::kReadingFrames) CutWaitingInput();
  UpdateInterest();
}

void Connection::ReadContent() {
  const uint64_t have = receiving_->request_bytes - content_left_;
  const uint64_t room = std::min(content_left_, kMaxContentRead);
  if (!GrowContent(have + room)) return;
  const IoResult got = RecvSome(socket_.get(), receiving_->request->data() + have, room);
  if (got.outcome == IoOutcome::kWouldBlock) return;
  if (got.outcome == IoOutcome::kEnd) return OnEndOfInput();
  if (got.outcome == IoOutcome::kPeerGone) return Close(CloseReason::kPeerGone);
  content_left_ -= got.bytes;
  if (content_left_ == 0) OnContentComplete();
}

// Also of content that was skipped.
void Connection::OnContentComplete() {
  Exchange* const exchange = receiving_ == nullptr ? nullptr : TakeReceiving();
  const bool closes = IsDraining() || (exchange != nullptr && exchange->close_after);
  Enter(closes ? ConnState::kFinishing : ConnState::kReadingFrames);
  if (exchange != nullptr) SubmitContent(exchange);
  if (io_->leaving && !closed()) Quiesce();  // it was too much to move
}

void Connection::SubmitContent(Exchange* exchange) {
  if (!exchange->is_inline) return io_->dispatcher->SubmitPrepared(exchange);
  std::vector<AnswerPiece> pieces(1);
  pieces[0].data = exchange->request->data();
  pieces[0].bytes = exchange->request_bytes;
  Answer answer;
  answer.pieces = &pieces;
  OnAnswer(exchange, answer);
}

// Its content is complete, or will not come.
Exchange* Connection::TakeReceiving() {
  receiving_->out.clear();  // held the head
  return std::exchange(receiving_, nullptr);
}

void Connection::RefuseLargeContent(ErrorCode code, absl::string_view message) {
  Exchange* const exchange = TakeReceiving();
  io_->payloads->Recycle(std::move(exchange->request));
  const bool closes = exchange->close_after;
  AnswerError(exchange, code, message);
  Enter(closes || IsDraining() ? ConnState::kFinishing : ConnState::kSkippingContent);
}

void Connection::ReadAndDrop() {
  const bool skipping = state_ == ConnState::kSkippingContent;
  size_t room = io_->input_scratch_bytes;
  if (skipping) room = std::min<uint64_t>(room, content_left_);
  const IoResult got = RecvSome(socket_.get(), io_->input_scratch.data(), room);
  if (got.outcome == IoOutcome::kWouldBlock) return;
  if (got.outcome == IoOutcome::kPeerGone) return Close(CloseReason::kPeerGone);
  if (got.outcome == IoOutcome::kEnd) return skipping ? OnEndOfInput() : Close(CloseReason::kDone);
  if (!skipping) return;
  content_left_ -= got.bytes;
  if (content_left_ == 0) OnContentComplete();
}

}  // namespace windlass
