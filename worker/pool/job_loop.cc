#include "worker/pool/job_loop.h"

#include <limits.h>

#include <algorithm>
#include <exception>
#include <new>

#include "absl/strings/str_cat.h"
#include "common/byte_buffer.h"
#include "common/log.h"
#include "common/log_command.h"
#include "common/pools.h"
#include "proto/control.pb.h"
#include "worker/pool/call_handler.h"

namespace windlass {
namespace {

constexpr SelectorToken kQueueToken{1}, kControlToken{2};
constexpr int kJobsPerControlCheck =
    64;  // under load the control channel is looked at this often, or every:
constexpr absl::Duration kControlCheckEvery = absl::Milliseconds(10);
constexpr uint32_t kWaitsPerLook = 64;
constexpr int kIdleTrimMs = 5000;
constexpr int kTellMs = 1000;     // while there are swallowed log lines to tell of
constexpr int kShortTrimMs = 50;  // others may wait for the memory
constexpr size_t kCachedRequestMappings = 8;

}  // namespace

absl::StatusOr<std::unique_ptr<JobLoop>> JobLoop::Create(ProcessSetup setup,
                                                         ControlChannel* control,
                                                         HandlerSet handlers,
                                                         std::optional<OutputCapture> output) {
  absl::StatusOr<std::unique_ptr<Selector>> selector = Selector::Create(SelectorKind::kEpoll);
  if (!selector.ok()) return selector.status();
  // Exclusive: a job wakes one process, not all of them.
  absl::Status queue = (*selector)->Register(setup.job_queue, kReadable | kExclusive, kQueueToken);
  if (!queue.ok()) return queue;
  absl::Status commands = (*selector)->Register(control->fd(), kReadable, kControlToken);
  if (!commands.ok()) return commands;
  return std::unique_ptr<JobLoop>(new JobLoop(std::move(setup), control, std::move(handlers),
                                              *std::move(selector), std::move(output)));
}

JobLoop::JobLoop(ProcessSetup setup, ControlChannel* control, HandlerSet handlers,
                 std::unique_ptr<Selector> selector, std::optional<OutputCapture> output)
    : setup_(std::move(setup)),
      control_(control),
      handlers_(std::move(handlers)),
      selector_(std::move(selector)),
      output_(std::move(output)),
      slot_(setup_.scoreboard->MutableSlot(setup_.slot)),
      router_(*setup_.config),
      requests_(kCachedRequestMappings, /*writable=*/false),
      replies_(setup_, control),
      context_(*setup_.scoreboard, setup_.config->pools.size(),
               setup_.scoreboard->header().bays[setup_.bay].pool_ready[setup_.pool], &replies_),
      parts_(setup_) {}

absl::Status JobLoop::EnterWalls(const Sandbox& sandbox) {
  // Also what is mapped of requests that are over.
  const uint64_t share = PoolShare(setup_.payload_budget_bytes, *setup_.config);
  absl::Status entered =
      limits_.Enter(*setup_.config, setup_.pool, std::max(share, MappingCache::kMaxBytes));
  if (!entered.ok()) return entered;
  const absl::StatusOr<OwnedFd> asked = sandbox.Enter();
  if (!asked.ok() || !asked->valid()) return asked.status();
  proto::Report report;
  report.mutable_sandboxed();
  const int fd = asked->get();
  if (control_->Send(report, absl::MakeConstSpan(&fd, 1)) == PacketOutcome::kDone) {
    return absl::OkStatus();
  }
  return absl::UnavailableError("sandbox: nobody would log what it forbids");
}

int JobLoop::Run() {
  if (output_) LogOutput("loading");
  int jobs_since_check = 0;
  Instant checked = MonotonicNow();
  while (!stopping_) {
    if (ReceiveJob()) {
      if (++jobs_since_check < kJobsPerControlCheck &&
          MonotonicNow() - checked < kControlCheckEvery)
        continue;
      if (!Wait(0)) return 0;
    } else {
      // Nothing to do: sleep, and when that lasts, give large memory back and sleep on.
      if (!Wait(TrimDelayMs())) return 0;
    }
    jobs_since_check = 0;
    checked = MonotonicNow();
  }
  LogLimit::TellAllSwallowed();
  return 0;
}

// How long to be idle before memory of large payloads is given back; -1: there is none.
int JobLoop::TrimDelayMs() const {
  if (!replies_.holds_memory() && requests_.mapped_bytes() == 0 && !context_.holds_memory()) {
    return -1;
  }
  const uint64_t held =
      setup_.scoreboard->PayloadBytes(PoolKey(setup_.config->pools[setup_.pool].name));
  const bool is_short = held > PoolShare(setup_.payload_budget_bytes, *setup_.config) / 4;
  return is_short ? kShortTrimMs : kIdleTrimMs;
}

bool JobLoop::Wait(int timeout_ms) {
  // Also what OutputCapture::empty does not see; a system call, so not every time.
  if (output_ && ++waits_ % kWaitsPerLook == 0) LogOutput("no job");
  if (LogLimit::any_swallowed() && (timeout_ms < 0 || timeout_ms > kTellMs)) timeout_ms = kTellMs;
  const absl::StatusOr<absl::Span<const Ready>> ready = selector_->Select(timeout_ms);
  CHECK(ready.ok()) << ready.status().ToString();
  if (LogLimit::any_swallowed()) LogLimit::TellSwallowed(MonotonicNow());
  if (ready->empty() && timeout_ms > 0) {
    replies_.Trim();
    requests_.Trim();
    context_.Trim();
  }
  for (const Ready& event : *ready) {
    if (event.token == kControlToken && !HandleControl()) return false;
  }
  return true;
}

bool JobLoop::HandleControl() {
  proto::Command command;
  for (;;) {
    switch (control_->Receive(&command)) {
      case ControlChannel::Outcome::kEmpty:
        return true;
      case ControlChannel::Outcome::kPeerGone:
        return false;
      case ControlChannel::Outcome::kMalformed:
        continue;
      case ControlChannel::Outcome::kMessage:
        break;
    }
    if (command.has_drain()) stopping_ = true;
    if (IsLogCommand(command)) ObeyLogCommand(command, control_);
  }
}

bool JobLoop::ReceiveJob() {
  slot_.job.store(kSlotReceiving);
  const JobPacketReceiver::Outcome outcome = receiver_.Receive(setup_.job_queue, &job_);
  if (outcome != JobPacketReceiver::Outcome::kPacket) {
    slot_.job.store(kSlotIdle);
    if (outcome == JobPacketReceiver::Outcome::kMalformed) {
      LOG_LIMITED(ERROR, malformed_log_, MonotonicNow()) << "malformed job packet dropped";
    }
    return outcome == JobPacketReceiver::Outcome::kMalformed;
  }
  slot_.job_handler.store(0, std::memory_order_relaxed);
  slot_.job_started_ns.store(MonotonicNow().ns, std::memory_order_relaxed);
  slot_.job_bytes.store(job_.file_bytes() > 0 ? job_.file_bytes() : receiver_.payload().size(),
                        std::memory_order_relaxed);
  slot_.job_attempt.store(job_.attempt() + 1, std::memory_order_relaxed);
  slot_.job_deadline_ns.store(static_cast<int64_t>(job_.deadline_ns()), std::memory_order_relaxed);
  slot_.job.store(job_.id());
  if (output_ && !output_->empty()) LogOutput("no job");
  RunJob();
  if (output_ && !output_->empty()) LogOutput("");
  slot_.job.store(kSlotIdle);
  Bump(slot_.jobs_done);
  return true;
}

// `whose`: "" is the job's that has just been run.
void JobLoop::LogOutput(absl::string_view whose) {
  const std::string text = output_->Take();
  if (text.empty()) return;
  const uint32_t handler = slot_.job_handler.load();
  const std::string job = absl::StrCat(
      handler == 0 ? "" : setup_.config->handlers[handler - 1].name, ", job ", job_.id());
  LogPrinted(whose.empty() ? job : whose, text, &output_limit_, MonotonicNow());
}

void JobLoop::RunJob() {
  const JobId id = JobId::FromWord(job_.id());
  const Instant now{slot_.job_started_ns.load(std::memory_order_relaxed)};
  replies_.Begin(id, now);
  if (job_.kind() == proto::FENCE) return replies_.SendError(ErrorCode::kOk, "");
  context_.Begin(id, static_cast<int>(std::min<uint32_t>(job_.attempt(), INT_MAX - 1)) + 1,
                 Instant{static_cast<int64_t>(job_.deadline_ns())}, job_.header());
  // Expired or abandoned in the queue: it has cost nothing yet, and shall not.
  if (now.ns >= static_cast<int64_t>(job_.deadline_ns()) || context_.cancelled()) {
    Bump(slot_.jobs_expired);
    return replies_.SendError(ErrorCode::kDeadlineExceeded, "deadline passed in the queue");
  }
  shared_ = Mapping();  // of a job before
  if (!MapShared()) return;
  if (job_.file_bytes() == 0) {
    absl::string_view content = receiver_.payload();
    if (job_.kind() == proto::MERGE) content = content.substr(0, job_.content_bytes());
    RunHandler(job_.handler(), content);
    shared_ = Mapping();
    return;
  }
  if (receiver_.fds().empty()) {
    return replies_.SendError(ErrorCode::kUnavailable, "no file descriptor left for the payload");
  }
  uint64_t mapped_bytes = 0;
  if (__builtin_add_overflow(job_.file_bytes(), ByteBuffer::kPadding, &mapped_bytes)) {
    return replies_.SendError(ErrorCode::kUnavailable, "payload beyond any file");
  }
  absl::StatusOr<MappingCache::Entry*> mapped =
      requests_.Acquire(receiver_.fds()[0].get(), mapped_bytes);
  if (!mapped.ok()) return replies_.SendError(ErrorCode::kUnavailable, "payload cannot be mapped");
  is_elsewhere_ = false;
  RunHandler(job_.handler(), absl::string_view((*mapped)->mapping.data(), job_.file_bytes()));
  shared_ = Mapping();
  // Memory that goes on to another pool does not come again.
  if (is_elsewhere_) return requests_.Drop(*mapped);
  requests_.Release(*mapped);
}

void JobLoop::RunHandler(uint32_t index, absl::string_view content) {
  const Instant started{slot_.job_started_ns.load(std::memory_order_relaxed)};
  const ByteOrder order = job_.big_endian() ? ByteOrder::kBig : ByteOrder::kLittle;
  if (job_.kind() == proto::RESOLVE) {
    if (job_.listener() >= setup_.config->listeners.size()) {
      return replies_.SendError(ErrorCode::kUnavailable, "unknown listener");
    }
    const RouteQuery query{job_.listener(),   "",     job_.content_type(), job_.content_encoding(),
                           job_.big_endian(), content};
    const Route route = router_.Resolve(query);
    if (route.kind == Route::Kind::kRefuse) return replies_.SendError(route.code, route.message);
    if (route.kind == Route::Kind::kInvalidAction) {
      Response response{"text/json", "utf-8", ErrorCode::kInvalidArgument, {}};
      response.pieces.push_back(ResponsePiece::Borrowed(route.message));
      return replies_.Send(response);
    }
    index = route.handler;
    if (handlers_.at(index) == nullptr) {
      is_elsewhere_ = true;
      return replies_.SendElsewhere(index);
    }
    context_.ShortenTo(started + setup_.config->handlers[index].deadline);
    slot_.job_deadline_ns.store(context_.deadline().ns, std::memory_order_relaxed);
  }
  if (index >= handlers_.size() || handlers_.at(index) == nullptr)
    return replies_.SendError(ErrorCode::kUnavailable, "unknown handler");
  slot_.job_handler.store(index + 1, std::memory_order_relaxed);
  replies_.NoteHandler(index);
  const HandlerConfig& config = setup_.config->handlers[index];
  context_.SetHandler(config.name);
  const Request request{content, job_.content_type(), job_.content_encoding(), order,
                        job_.header()};
  limits_.UseMemoryLimit(config.memory_limit);
  try {
    return AnswerWith(*handlers_.at(index), request);
  } catch (const std::bad_alloc&) {
  }
  OnOutOfMemory();
}

// Throws bad_alloc only: then no answer has been sent.
void JobLoop::AnswerWith(Handler& handler, const Request& request) {
  absl::StatusOr<Response> response;
  try {
    if (job_.kind() == proto::PART) return RunPart(handler, request);
    if (job_.kind() == proto::MERGE) {
      response = Merge(handler, request);
    } else {
      const absl::StatusOr<bool> is_split = Split(handler, request);
      if (is_split.ok() && *is_split) return replies_.SendSplit(&parts_);
      if (!is_split.ok() && parts_.is_refused()) {
        parts_.Clear();
        return replies_.SendError(ErrorCode::kOverloaded, kNoPayloadMemory);
      }
      parts_.Clear();
      response = is_split.ok() ? CallHandler(handler, request, context_) : is_split.status();
    }
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    response = absl::InternalError(absl::StrCat("exception: ", error.what()));
  } catch (...) {
    response = absl::InternalError("exception of unknown type");
  }
  parts_.Clear();
  if (!response.ok()) return SendStatus(response.status());
  replies_.Send(*response);
}

// Of a handler that did not make a response.
void JobLoop::SendStatus(const absl::Status& status) {
  const bool no_memory = absl::IsResourceExhausted(status) && replies_.is_refused();
  if (no_memory) return replies_.SendError(ErrorCode::kOverloaded, kNoPayloadMemory);
  replies_.SendError(ErrorCodeFor(status.code()), status.message());
}

void JobLoop::OnOutOfMemory() {
  replies_.Abort();
  parts_.Clear();
  if (limits_.OnOutOfMemory()) {
    // Before the answer: who has that may look already.
    stopping_ = true;
    proto::Report report;
    report.mutable_spent();
    control_->Send(report);
  }
  replies_.SendError(ErrorCode::kHandlerFailed, "out of memory");
}

}  // namespace windlass
