// The part of worker/io/connection.h that takes content which is not whole in one small piece.
#include <algorithm>
#include <cstring>

#include "common/job_channel.h"
#include "common/posix.h"
#include "worker/io/connection.h"

namespace windlass {
namespace {

constexpr uint64_t kMaxContentRead = 1 << 20;  // of large content, in one turn
constexpr absl::Duration kMemoryRetryEvery = absl::Milliseconds(20);
constexpr absl::Duration kMemoryWait = absl::Seconds(2);  // then the request is refused
constexpr absl::string_view kNoMemory =
    "the memory for payloads in flight is used up, retry in 1000 ms";
constexpr absl::string_view kBeyondMemory =
    "content beyond half of its pool's share of workers.payload_memory";

// What a request counts for that may be refused before it is a job.
uint32_t HandlerOf(const Route& route) {
  switch (route.kind) {
    case Route::Kind::kRun:
    case Route::Kind::kInline:
    case Route::Kind::kStatic:
      return route.handler;
    case Route::Kind::kResolve:
    case Route::Kind::kRefuse:
    case Route::Kind::kInvalidAction:
      return Exchange::kUnknown;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

}  // namespace

// A request whose content goes to memory that the pool can map. Returns how many of the `arrived`
// bytes of content it took.
size_t Connection::BeginLargeContent(const RequestHead& head, absl::string_view head_bytes,
                                     absl::string_view arrived) {
  NoteRequest();
  Route route;
  if (io_->pages == nullptr) route = io_->router->Find(QueryFor(head));
  const uint32_t pool = io_->dispatchers->PoolOf(HandlerOf(route));
  PayloadPool& payloads = io_->dispatchers->payloads(pool);
  const bool fits = payloads.CouldEverHold(head.content_bytes);
  if (head.expects_continue && arrived.empty() && fits && route.kind != Route::Kind::kRefuse) {
    SendContinue();
  }
  Exchange* const exchange = NewExchange(head);
  receiving_ = exchange;
  exchange->pool = pool;
  if (io_->pages == nullptr) exchange->route_handler = HandlerOf(route);
  exchange->out.assign(head_bytes.data(), head_bytes.size());  // in case that it must move
  content_left_ = head.content_bytes;
  if (input_.empty()) since_ = io_->now();
  ArmNoLaterThan(since_ + listener_->config->frame_timeout);
  Enter(ConnState::kReceivingContent);
  if (route.kind == Route::Kind::kRefuse) {
    // Whether the client sends content that it was not told to go on with, nobody knows.
    if (head.expects_continue) exchange->close_after = true;
    RefuseLargeContent(route.code, route.message);
  } else if (route.kind == Route::Kind::kStatic) {  // whatever comes
    const bool closes = exchange->close_after || IsDraining();
    AnswerStatic(TakeReceiving(), route.handler);
    Enter(closes ? ConnState::kFinishing : ConnState::kSkippingContent);
  } else if (io_->pages != nullptr) {
    RefuseLargeContent(ErrorCode::kTooLarge, "content that nothing here looks at");
  } else if (!fits) {
    if (head.expects_continue) exchange->close_after = true;
    RefuseLargeContent(ErrorCode::kTooLarge, kBeyondMemory);
  } else if ((exchange->request = payloads.Take(head.content_bytes)) == nullptr) {
    RefuseLargeContent(ErrorCode::kOverloaded, "no memory for the content, retry in 1000 ms");
  } else {
    exchange->request_bytes = head.content_bytes;
    exchange->is_inline = route.kind == Route::Kind::kInline;
    if (!exchange->is_inline) {
      io_->dispatchers->Prepare(exchange, JobFor(head, route));
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
  if (io_->dispatchers->payloads(*receiving_).Grow(receiving_->request.get(), bytes)) return true;
  Enter(ConnState::kAwaitingMemory);
  since_ = io_->now();
  ArmNoLaterThan(since_ + kMemoryRetryEvery);
  return false;
}

void Connection::OnMemoryRetry() {
  const uint64_t have = ContentArrived();
  const uint64_t most =
      decoder_ != nullptr ? receiving_->request->capacity() : receiving_->request_bytes;
  // As much as the next step will ask for: less would send us straight back here.
  const uint64_t want = have + std::max<uint64_t>(input_.size(), kMaxContentRead);
  if (io_->dispatchers->payloads(*receiving_)
          .Grow(receiving_->request.get(), std::min(want, most))) {
    Enter(ConnState::kReceivingContent);
    since_ = io_->now();
    io_->timers->Arm(&timer_, NextTimeout());
  } else if (io_->now() - since_ < kMemoryWait) {
    return io_->timers->Arm(&timer_, io_->now() + kMemoryRetryEvery);
  } else if (decoder_ != nullptr) {
    LoseCodedContent(ErrorCode::kOverloaded, kNoMemory);
    if (!closed()) io_->timers->Arm(&timer_, NextTimeout());  // it has just fired
    return;
  } else {
    RefuseLargeContent(ErrorCode::kOverloaded, kNoMemory);
    io_->timers->Arm(&timer_, NextTimeout());
  }
  if (decoder_ != nullptr) return AbsorbWaitingCoded();
  const size_t taken = AbsorbContent(input_.view());
  if (taken > 0) input_.Consume(taken);
  if (state_ == ConnState::kReadingFrames) CutWaitingInput();
  UpdateInterest();
}

void Connection::ReadContent() {
  if (decoder_ != nullptr) return ReadCoded();
  const uint64_t have = ContentArrived();
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
  if (exchange != nullptr) {
    exchange->bytes_in += exchange->request_bytes;
    SubmitContent(exchange);
  }
  if (io_->leaving && !closed()) Quiesce();  // it was too much to move
}

void Connection::SubmitContent(Exchange* exchange) {
  if (!exchange->is_inline) return io_->dispatchers->SubmitPrepared(exchange);
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
  io_->dispatchers->payloads(*exchange).Recycle(std::move(exchange->request));
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

// --- Content in a coding: its length is known at its end.

uint64_t Connection::ContentArrived() const {
  return decoder_ != nullptr ? decoder_->decoded() : receiving_->request_bytes - content_left_;
}

// Returns how many of the `coded` bytes are done with.
size_t Connection::BeginCodedContent(const RequestHead& head, absl::string_view head_bytes,
                                     absl::string_view coded) {
  NoteRequest();
  Route route;
  if (io_->pages == nullptr) route = io_->router->Find(QueryFor(head));
  const bool is_refused = route.kind == Route::Kind::kRefuse;
  if (head.expects_continue && coded.empty() && !is_refused) SendContinue();
  receiving_ = NewExchange(head);
  if (io_->pages == nullptr) receiving_->route_handler = HandlerOf(route);
  receiving_->pool = io_->dispatchers->PoolOf(receiving_->route_handler);
  receiving_->out.assign(head_bytes.data(),
                         head_bytes.size());  // for when it is complete, or moves
  decoder_ = listener_->framing->MakeContentDecoder();
  if (input_.empty()) since_ = io_->now();
  ArmNoLaterThan(since_ + listener_->config->frame_timeout);
  Enter(ConnState::kReceivingContent);
  if (is_refused) {
    LoseCodedContent(route.code, route.message);
    return coded.size();
  }
  return AbsorbCoded(coded);
}

size_t Connection::AbsorbCoded(absl::string_view coded) {
  FrameError failed;
  const ContentDecoder::Result result =
      decoder_->Decode(coded, [&](absl::string_view bytes) { return TakeDecoded(bytes, &failed); });
  if (failed.code != ErrorCode::kOk) {
    LoseCodedContent(failed.code, failed.message);
    return coded.size();
  }
  switch (result.outcome) {
    case ContentDecoder::Outcome::kGoing:
      break;
    case ContentDecoder::Outcome::kComplete:
      OnCodedComplete();
      break;
    case ContentDecoder::Outcome::kTooLarge:
      LoseCodedContent(ErrorCode::kTooLarge, TooLargeContent(listener_->config->max_content));
      return coded.size();
    case ContentDecoder::Outcome::kBad:
      LoseCodedContent(ErrorCode::kInvalidArgument, "malformed chunks");
      return coded.size();
  }
  return result.used;
}

// Small content is a string, until it is large.
size_t Connection::TakeDecoded(absl::string_view bytes, FrameError* failed) {
  Exchange& exchange = *receiving_;
  const uint64_t have = decoder_->decoded();
  const uint64_t total = have + bytes.size();
  if (total > listener_->config->max_content) {
    *failed = {ErrorCode::kTooLarge, TooLargeContent(listener_->config->max_content), 0};
    return 0;
  }
  PayloadPool& payloads = io_->dispatchers->payloads(exchange);
  if (!payloads.CouldEverHold(total)) {
    *failed = {ErrorCode::kTooLarge, std::string(kBeyondMemory), 0};
    return 0;
  }
  if (exchange.request == nullptr) {
    if (total <= kInlinePayloadMax) {
      exchange.content.append(bytes.data(), bytes.size());
      return bytes.size();
    }
    uint64_t most = listener_->config->max_content;
    while (!payloads.CouldEverHold(most)) most /= 2;
    most = std::max(most, total);
    if ((exchange.request = payloads.Take(most)) == nullptr) {
      *failed = {ErrorCode::kOverloaded, std::string(kNoMemory), 0};
      return 0;
    }
  }
  if (total > exchange.request->capacity()) {
    *failed = {ErrorCode::kTooLarge, std::string(kBeyondMemory), 0};
    return 0;
  }
  if (!GrowContent(total)) return 0;
  if (!exchange.content.empty()) {
    std::memcpy(exchange.request->data(), exchange.content.data(), have);
    exchange.content.clear();
  }
  std::memcpy(exchange.request->data() + have, bytes.data(), bytes.size());
  return bytes.size();
}

void Connection::ReadCoded() {
  absl::string_view fresh;
  if (!ReceiveInput(0, &fresh)) return;
  if (fresh.empty()) return AbsorbWaitingCoded();
  const size_t used = AbsorbCoded(fresh);
  if (closed() || state_ == ConnState::kFinishing || used == fresh.size()) return;
  input_.Append(fresh.substr(used));
  if (state_ == ConnState::kReadingFrames) CutWaitingInput();
}

void Connection::AbsorbWaitingCoded() {
  if (!input_.empty()) {
    const size_t used = AbsorbCoded(input_.view());
    if (closed()) return;
    if (state_ == ConnState::kFinishing) return input_.Clear();
    if (used > 0) input_.Consume(used);
  }
  if (state_ == ConnState::kReadingFrames) CutWaitingInput();
  UpdateInterest();
}

void Connection::OnCodedComplete() {
  const uint64_t bytes = decoder_->decoded();
  std::string head_bytes = std::move(receiving_->out);
  const size_t head_size = head_bytes.size();
  head_bytes.append(kInputPadding, '\0');
  Exchange* const exchange = TakeReceiving();
  decoder_.reset();
  since_ = io_->now();  // of the next frame, if it has begun
  RequestHead head;
  CutState state;
  FrameError error;
  const CutOutcome again = listener_->framing->CutHead(
      absl::string_view(head_bytes).substr(0, head_size), &state, &head, &error);
  CHECK(again == CutOutcome::kRequest) << "a head was understood once";
  exchange->request_bytes = exchange->request == nullptr ? 0 : bytes;
  exchange->bytes_in += bytes;
  const bool closes = IsDraining() || exchange->close_after;
  Enter(closes ? ConnState::kFinishing : ConnState::kReadingFrames);
  if (io_->pages != nullptr) {
    GivePage(head, exchange);
  } else {
    const Route route = io_->router->Find(QueryFor(head));
    if (route.kind == Route::Kind::kStatic) {
      io_->dispatchers->payloads(*exchange).Recycle(std::move(exchange->request));
      AnswerStatic(exchange, route.handler);
    } else {
      io_->dispatchers->Prepare(exchange, JobFor(head, route));
      io_->dispatchers->SubmitPrepared(exchange);
    }
  }
  if (io_->leaving && !closed()) Quiesce();  // it was too much to move
}

// Where it ends, nobody looks for any more.
void Connection::LoseCodedContent(ErrorCode code, absl::string_view message) {
  Exchange* const exchange = TakeReceiving();
  decoder_.reset();
  exchange->content.clear();
  io_->dispatchers->payloads(*exchange).Recycle(std::move(exchange->request));
  exchange->close_after = true;
  AnswerError(exchange, code, message);
  if (state_ != ConnState::kFinishing) Enter(ConnState::kFinishing);
  UpdateInterest();
}

}  // namespace windlass
