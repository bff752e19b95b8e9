// The input half of worker/io/connection.h: bytes become requests, requests become answers or jobs.
#include <algorithm>
#include <cstring>

#include "common/job_channel.h"
#include "common/log.h"
#include "common/posix.h"
#include "worker/framing/proxy_header.h"
#include "worker/io/connection.h"
#include "worker/io/survey.h"

namespace windlass {
namespace {

constexpr size_t kLeastRead = 4 << 10;
constexpr size_t kLongestCopiedAnswer = 32 << 10;  // longer ones go out from where they are
constexpr absl::string_view kJsonType = "text/json";

}  // namespace

// Input is received into the worker's scratch and cut where it lies; only an incomplete frame is
// copied, into a buffer of the connection's own, and then the rest of that frame is received there.
bool Connection::ReceiveInput(size_t at_least, absl::string_view* fresh) {
  const bool was_waiting = !input_.empty();
  char* into = io_->input_scratch.data();
  size_t room = io_->input_scratch_bytes;
  if (was_waiting) {
    into = input_.Reserve(std::max(at_least, kLeastRead));
    room = input_.room();
  }
  const IoResult got = RecvSome(socket_.get(), into, room);
  if (got.outcome == IoOutcome::kEnd) OnEndOfInput();
  if (got.outcome == IoOutcome::kPeerGone) Close(CloseReason::kPeerGone);
  if (got.outcome != IoOutcome::kProgress) return false;
  if (was_waiting) {
    input_.Commit(got.bytes);
  } else {
    *fresh = {into, got.bytes};
  }
  return true;
}

void Connection::ReadFrames() {
  absl::string_view fresh;
  const size_t missing = cut_.need > input_.size() ? cut_.need - input_.size() : 0;
  if (!ReceiveInput(missing, &fresh)) return;
  if (fresh.empty()) return CutWaitingInput();
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
  if (awaits_proxy_) {
    at = CutProxyHeader(input);
    if (awaits_proxy_) return 0;
  }
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
      last.answer_form = head.answer_form;
      last.omit_content = head.omit_content;
      last.handler = head.handler;
      last.close_after = true;
      NoteRequest();
      AnswerError(NewRefused(last), error);
      Enter(ConnState::kFinishing);
      break;
    }
    const size_t content_here =
        std::min<uint64_t>(head.content_bytes, rest.size() - head.head_bytes);
    const bool is_whole = head.frame_bytes() <= rest.size();
    const absl::string_view content =
        head.content_is_made ? head.content : rest.substr(head.head_bytes, content_here);
    if (outcome == CutOutcome::kRefused) {
      NoteRequest();
      AnswerError(NewRefused(head), error);
      content_left_ = head.content_bytes - content_here;
      if (content_left_ > 0) {
        Enter(ConnState::kSkippingContent);
        since_ = io_->now();
        ArmNoLaterThan(since_ + listener_->config->frame_timeout);
      }
      if (head.close_after || !listener_->config->keepalive) Enter(ConnState::kFinishing);
      at += head.head_bytes + content_here;
    } else if (head.is_coded) {
      at += head.head_bytes;
      at += BeginCodedContent(head, rest.substr(0, head.head_bytes), rest.substr(head.head_bytes));
    } else if (is_whole && head.content_bytes <= kInlinePayloadMax) {
      HandleRequest(head, content);
      at += head.frame_bytes();
    } else if (head.content_bytes > kInlinePayloadMax) {
      tail_left_ = head.tail_bytes;
      at += head.head_bytes + BeginLargeContent(head, rest.substr(0, head.head_bytes), content);
    } else {
      if (head.expects_continue && content.empty() && !cut_.continued) SendContinue();
      cut_.continued = true;
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

JobRequest Connection::JobFor(const RequestHead& head, const Route& route) const {
  const bool is_known = route.kind == Route::Kind::kRun;
  JobRequest request;
  request.kind = route.kind == Route::Kind::kResolve ? proto::RESOLVE : proto::RUN;
  request.handler = route.handler;
  request.listener = listener_->index;
  request.content_type = head.content_type;
  request.content_encoding = head.content_encoding;
  request.header = head.header;
  request.big_endian = head.big_endian;
  request.deadline = JobDeadline(head, is_known ? route.handler : UINT32_MAX);
  request.asked_deadline_ms = head.deadline_ms;
  const bool is_http = listener_->config->protocol == Protocol::kHttp;
  if (is_http && is_known && io_->config->handlers[route.handler].json &&
      head.content_type != kJsonType) {
    request.content_type = kJsonType;
    request.content_encoding = "utf-8";
  }
  return request;
}

RouteQuery Connection::QueryFor(const RequestHead& head) const {
  return {listener_->index,      head.handler,    head.content_type,
          head.content_encoding, head.big_endian, std::nullopt};
}

void Connection::HandleRequest(const RequestHead& head, absl::string_view content) {
  NoteRequest();
  if (io_->pages != nullptr) return HandlePage(head);
  RouteQuery query = QueryFor(head);
  query.content = content;
  const Route route = io_->router->Find(query);
  switch (route.kind) {
    case Route::Kind::kInline:
      HandleInline(head, route.handler, content);
      break;
    case Route::Kind::kStatic:
      HandleStatic(head, route.handler);
      break;
    case Route::Kind::kRun:
    case Route::Kind::kResolve:
      io_->dispatchers->Submit(NewExchange(head), JobFor(head, route), content);
      break;
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
void Connection::HandleInline(const RequestHead& head, uint32_t handler,
                              absl::string_view content) {
  const bool closes = head.close_after || !listener_->config->keepalive;
  if (!output_.has_exchanges() && !closes) {
    output_.raw().Append(content);
    const absl::string_view tail = listener_->framing->ResponseTail();
    output_.raw().Append(tail);
    OnAnsweredInline(handler, head.frame_bytes(), content.size() + tail.size());
    LogInline(head, handler, content.size() + tail.size());
    return ScheduleFlush();
  }
  Answer answer;
  answer.content = content;
  Exchange* const exchange = NewExchange(head);
  exchange->route_handler = handler;
  OnAnswer(exchange, answer);
}

// As HandleInline.
void Connection::HandleStatic(const RequestHead& head, uint32_t handler) {
  const StaticHandler& fixed = *io_->statics->Find(handler);
  const bool closes = head.close_after || !listener_->config->keepalive;
  if (!output_.has_exchanges() && !closes && fixed.content().size() <= kLongestCopiedAnswer) {
    ResponseHead response;
    response.content_type = fixed.content_type();
    response.content_encoding = fixed.content_encoding();
    response.content_bytes = fixed.content().size();
    response.request_id = head.request_id;
    response.has_request_id = head.has_request_id;
    response.answer_form = head.answer_form;
    std::string& out = io_->answer_scratch;
    out.clear();
    listener_->framing->AppendResponseHead(response, &out);
    if (!head.omit_content) out.append(fixed.content());
    const absl::string_view tail = listener_->framing->ResponseTail();
    out.append(tail.data(), tail.size());
    output_.raw().Append(out);
    OnAnsweredInline(handler, head.frame_bytes(), out.size());
    LogInline(head, handler, out.size());
    return ScheduleFlush();
  }
  AnswerStatic(NewExchange(head), handler);
}

void Connection::AnswerStatic(Exchange* exchange, uint32_t handler) {
  const StaticHandler& fixed = *io_->statics->Find(handler);
  exchange->route_handler = handler;
  std::vector<AnswerPiece> pieces(1);
  pieces[0].data = fixed.content().data();
  pieces[0].bytes = fixed.content().size();
  pieces[0].is_static = true;
  Answer answer;
  answer.content_type = fixed.content_type();
  answer.content_encoding = fixed.content_encoding();
  answer.pieces = &pieces;
  OnAnswer(exchange, answer);
}

// The client waits for this before it sends the content.
void Connection::SendContinue() {
  if (!output_.has_exchanges()) {
    std::string& out = io_->answer_scratch;
    out.clear();
    listener_->framing->AppendContinue(&out);
    output_.raw().Append(out);
  } else {  // after the answers before it
    Exchange* const interim = io_->exchanges->Take(this);
    interim->is_interim = true;
    listener_->framing->AppendContinue(&interim->out);
    output_.Push(interim);
    interim->state = Exchange::State::kAnswered;
    output_.OnAnswered(*interim);
  }
  ScheduleFlush();
}

// Nothing to tell a client that is none: whoever does not begin with the header is closed.
size_t Connection::CutProxyHeader(absl::string_view input) {
  ProxyHeader header;
  switch (windlass::CutProxyHeader(input, &header)) {
    case ProxyOutcome::kNeedMore:
      return 0;
    case ProxyOutcome::kBad:
      LOG_LIMITED(WARNING, io_->proxy_log, io_->now())
          << "closed " << windlass::PeerName(socket_.get())
          << ", which does not begin with a header of the PROXY protocol, at "
          << listener_->address;
      Close(CloseReason::kDone);
      return 0;
    case ProxyOutcome::kDone:
      break;
  }
  awaits_proxy_ = false;
  peer_ = std::move(header.peer);
  if (!AdmitPeer()) {
    Bump(io_->slot->shed_connections);
    Close(CloseReason::kDone);
    return 0;
  }
  BeginAccessLog();
  if (!listener_->framing->IsRaw()) return header.bytes;
  ReturnRaw(input.substr(header.bytes));
  return input.size();
}

// Bytes back as they came: straight from where they were received, and only what the kernel does
// not take is kept.
void Connection::ReadRaw() {
  const IoResult got = RecvSome(socket_.get(), io_->input_scratch.data(), io_->input_scratch_bytes);
  if (got.outcome == IoOutcome::kWouldBlock) return;
  if (got.outcome == IoOutcome::kEnd) return OnEndOfInput();
  if (got.outcome == IoOutcome::kPeerGone) return Close(CloseReason::kPeerGone);
  ReturnRaw({io_->input_scratch.data(), got.bytes});
}

void Connection::ReturnRaw(absl::string_view bytes) {
  if (bytes.empty()) return;
  last_active_ = io_->now();
  has_asked_ = true;
  Bump(io_->slot->requests);
  RequestHead head;
  head.head_bytes = bytes.size();
  LogInline(head, UINT32_MAX, bytes.size());
  // No requests, but what is read at a time counts as one.
  if (listener_->meter != nullptr) {
    listener_->meter->OnInline(Exchange::kUnknown, bytes.size(), bytes.size());
  }
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

}  // namespace windlass
