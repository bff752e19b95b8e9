#include "worker/io/dispatcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/pools.h"

namespace windlass {
namespace {

// Copies beyond this are made in memory that is lent from job to job: the allocator would give such
// pieces back to the system, and take them again, with each request.
constexpr size_t kSmallContent = 4096;
constexpr size_t kSpareContents = 32;  // a megabyte
constexpr absl::Duration kRetryEvery = absl::Milliseconds(1);
// While jobs wait: more pool processes may have come, and no reply says so.
constexpr absl::Duration kLookForNewProcesses = absl::Milliseconds(20);

}  // namespace

Dispatcher::Dispatcher(const ProcessSetup& setup, uint32_t pool, TimerWheel* timers,
                       PayloadPool* payloads, AnswerSink* sink, PoolSwitch* others)
    : setup_(setup),
      pool_(pool),
      config_(setup.config->pools[pool]),
      channels_(pool < setup.pools.size() ? setup.pools[pool] : PoolChannels()),
      board_(*setup.scoreboard),
      slot_(setup.scoreboard->MutableSlot(setup.slot)),
      load_(slot_.load[pool]),
      timers_(timers),
      payloads_(payloads),
      sink_(sink),
      others_(others),
      unknown_handler_(static_cast<uint32_t>(setup.config->handlers.size())),
      run_times_(setup.config->handlers.size() + 1),
      next_sequence_(pool + 1),
      quarantine_(*setup.config, pool, setup.fingerprint_secret),
      retry_(this),
      results_(payloads->budget_bytes()) {}

JobId Dispatcher::NextId() {
  const JobId id = JobId::Make(setup_.slot, setup_.incarnation, next_sequence_);
  next_sequence_ += setup_.config->pools.size();
  return id;
}

void Dispatcher::EncodeJob(Exchange* exchange, const JobRequest& request, std::string* envelope) {
  exchange->id = NextId();
  exchange->pool = pool_;
  exchange->created = timers_->now();
  const bool is_known = request.kind == proto::RUN;
  exchange->handler = request.kind == proto::RESOLVE ? unknown_handler_ : request.handler;
  exchange->asked_deadline_ms = request.asked_deadline_ms;
  exchange->route_handler = is_known ? request.handler : Exchange::kUnknown;
  job_.Clear();
  job_.set_id(exchange->id.word());
  job_.set_kind(request.kind);
  job_.set_handler(request.handler);
  job_.set_listener(request.kind == proto::RESOLVE ? request.listener : 0);
  job_.set_deadline_ns(static_cast<uint64_t>(request.deadline.ns));
  job_.set_big_endian(request.big_endian);
  if (!request.content_type.empty()) {
    job_.set_content_type(request.content_type.data(), request.content_type.size());
  }
  if (!request.content_encoding.empty()) {
    job_.set_content_encoding(request.content_encoding.data(), request.content_encoding.size());
  }
  if (!request.header.empty()) job_.set_header(request.header.data(), request.header.size());
  job_.set_file_bytes(exchange->request != nullptr ? exchange->request_bytes : 0);
  EncodeEnvelope(job_, envelope);
}

void Dispatcher::Prepare(Exchange* exchange, const JobRequest& request) {
  EncodeJob(exchange, request, &exchange->envelope);
  timers_->Arm(&exchange->deadline, request.deadline);
}

void Dispatcher::Submit(Exchange* exchange, const JobRequest& request, absl::string_view content) {
  EncodeJob(exchange, request, &exchange->envelope);
  exchange->submitted = exchange->created;
  if (!quarantine_.empty() && RefuseQuarantined(exchange, content)) return;
  timers_->Arm(&exchange->deadline, request.deadline);
  const bool is_sent =
      backlog_.empty() && HasCredit(*exchange) && Send(exchange, exchange->envelope, content);
  KeepContent(exchange, content);
  if (is_sent) return PublishLoad();
  Enqueue(exchange);
}

void Dispatcher::SubmitPrepared(Exchange* exchange) {
  exchange->submitted = timers_->now();
  if (!exchange->deadline.armed()) {  // it ran out while the content arrived
    return AnswerError(exchange, ErrorCode::kDeadlineExceeded,
                       WithDeadline("deadline passed while the content arrived", *exchange));
  }
  if (!quarantine_.empty() && RefuseQuarantined(exchange, exchange->whole_content())) return;
  Enqueue(exchange);
  Pump();
}

void Dispatcher::KeepContent(Exchange* exchange, absl::string_view content) {
  if (content.size() > kSmallContent && exchange->content.capacity() < content.size()) {
    if (spare_contents_.empty()) {
      exchange->content.reserve(kInlinePayloadMax);
    } else {
      exchange->content = std::move(spare_contents_.back());
      spare_contents_.pop_back();
    }
  }
  exchange->content.assign(content.data(), content.size());
}

// The job is over: the copy is not kept until a slow client has its answer.
void Dispatcher::DropContent(Exchange* exchange) {
  exchange->content.clear();
  if (exchange->content.capacity() <= kSmallContent) return;
  std::string large = std::exchange(exchange->content, std::string());
  if (large.capacity() >= kInlinePayloadMax && spare_contents_.size() < kSpareContents) {
    spare_contents_.push_back(std::move(large));
  }
}

void Dispatcher::Enqueue(Exchange* exchange) {
  if (BacklogIsFull()) {
    return AnswerError(exchange, ErrorCode::kOverloaded,
                       absl::StrCat("the queue of ", config_.queue, " jobs", OfPool(config_),
                                    " is full, retry in ", RetryMs(), " ms"));
  }
  exchange->state = Exchange::State::kQueued;
  exchange->queued = timers_->now();
  backlog_.Push(exchange, sink_->LaneOf(exchange));
  PublishLoad();
  const Instant look = timers_->now() + (out_.empty() ? kRetryEvery : kLookForNewProcesses);
  if (look < retry_.deadline()) timers_->Arm(&retry_, look);
}

void Dispatcher::Cancel(JobId id) {
  slot_.cancelled[ProcessSlot::CancelledAt(id, setup_.config->pools.size())].store(
      id.word(), std::memory_order_relaxed);
}

bool Dispatcher::BacklogIsFull() const {
  const SlotRange siblings = SiblingWorkers(setup_);
  uint64_t waiting = backlog_.size();
  for (uint32_t i = siblings.first; i < siblings.end; ++i) {
    if (i == setup_.slot.value) continue;
    const PoolLoad& load = board_.slot(SlotIndex{i}).load[pool_];
    waiting += load.jobs_queued.load(std::memory_order_relaxed);
  }
  return waiting >= static_cast<uint64_t>(config_.queue);
}

int Dispatcher::RetryMs() const {
  double longest = 0;
  for (uint32_t i = 0; i <= unknown_handler_; ++i)
    longest = std::max(longest, run_times_.mean_ns(i));
  const double queue_ms = longest * config_.queue / PoolReady() / 1e6;
  // Clamped before it is a whole number: run times are what pool processes say.
  return static_cast<int>(std::clamp(queue_ms / 2, 10.0, 10'000.0));
}

// What siblings have to do: about how many clients wait for them (those whose jobs wait, and for
// each job that is out one), and since when the job has been waiting that has for longest.
Dispatcher::Siblings Dispatcher::LookAtSiblings() const {
  Siblings seen;
  const SlotRange siblings = SiblingWorkers(setup_);
  for (uint32_t i = siblings.first; i < siblings.end; ++i) {
    if (i == setup_.slot.value) continue;
    const PoolLoad& load = board_.slot(SlotIndex{i}).load[pool_];
    seen.clients += load.jobs_out.load(std::memory_order_relaxed) +
                    load.lanes_queued.load(std::memory_order_relaxed);
    const int64_t since = load.next_since_ns.load(std::memory_order_relaxed);
    if (since != 0) seen.oldest = std::min(seen.oldest, Instant{since});
  }
  return seen;
}

// At least one: those that are to come will find their jobs in the queue.
int Dispatcher::PoolReady() const {
  const GenerationBay& bay = board_.header().bays[setup_.bay];
  return std::max(1, static_cast<int>(bay.pool_ready[pool_].load(std::memory_order_relaxed)));
}

bool Dispatcher::HasCredit(const Exchange& exchange) const {
  if (out_.empty()) return true;
  const int prefetch =
      config_.prefetch_auto ? PrefetchFor(run_times_.mean_ns(exchange.handler)) : config_.prefetch;
  const uint64_t mine = std::max<uint64_t>(1, out_.size() + backlog_.lanes());
  const Siblings siblings = LookAtSiblings();
  return static_cast<int>(out_.size()) < JobsAllowedOut(PoolReady(), prefetch, mine,
                                                        mine + siblings.clients,
                                                        exchange.created < siblings.oldest);
}

bool Dispatcher::Send(Exchange* exchange, absl::string_view envelope, absl::string_view content) {
  const SplitMemory* const memory = exchange->memory.get();
  int fds[2];
  size_t fd_count = 0;
  const auto attach = [&](int fd) {
    if (fd >= 0) fds[fd_count++] = fd;
  };
  if (exchange->request != nullptr) attach(exchange->request->fd());
  if (memory != nullptr) {
    attach(memory->request_fd());
    attach(memory->shared_fd());
  }
  absl::string_view results;
  if (exchange->split != nullptr) results = exchange->split->results;
  const absl::string_view payload[] = {content, results};
  const size_t payloads = results.empty() ? 1 : 2;
  if (SendJobPacket(channels_.job_queue, envelope, absl::MakeConstSpan(payload, payloads),
                    absl::MakeConstSpan(fds, fd_count)) != PacketOutcome::kDone) {
    return false;
  }
  exchange->state = Exchange::State::kOut;
  ++exchange->attempts;
  out_.emplace(exchange->id.word(),
               OutJob{exchange, std::move(exchange->request), exchange->handler, next_send_++, "",
                      0, exchange->memory});
  return true;
}

// What of the request goes beside its envelope: nothing of what has a memfd.
absl::string_view Dispatcher::ContentInPacket(const Exchange& exchange) const {
  if (exchange.memory == nullptr) return exchange.content;
  return exchange.memory->request_fd() < 0 ? exchange.memory->content() : absl::string_view();
}

void Dispatcher::Pump() {
  if (fence_.state() == Fence::State::kToSend) {
    Exchange marker(this);  // never submitted: it only lends its id
    EncodeJob(&marker, JobRequest{proto::FENCE, 0, 0, {}, {}, {}, false, Instant::Never()},
              &envelope_);
    if (SendJobPacket(channels_.job_queue, envelope_, {}, {}) == PacketOutcome::kDone) {
      fence_.OnSent(marker.id, next_send_);
      out_.emplace(marker.id.word(),
                   OutJob{nullptr, nullptr, unknown_handler_, next_send_++, "", 0, nullptr});
    }
  }
  while (Exchange* const next = backlog_.PeekNext()) {
    if (!HasCredit(*next)) break;
    if (!Send(next, next->envelope, ContentInPacket(*next))) break;
    backlog_.PopNext(sink_->LaneOf(next));
    if (next->part_of != nullptr) EnqueueNextPart(next->part_of);
  }
  PublishLoad();
  // A reply will wake us; without one due, or with the fence still here, only the clock does.
  const bool needs_clock =
      (out_.empty() && !backlog_.empty()) || fence_.state() == Fence::State::kToSend;
  if (needs_clock) {
    timers_->Arm(&retry_, timers_->now() + kRetryEvery);
  } else if (!backlog_.empty() && !retry_.armed()) {
    timers_->Arm(&retry_, timers_->now() + kLookForNewProcesses);
  }
}

void Dispatcher::PublishLoad() {
  load_.jobs_out.store(static_cast<uint32_t>(out_.size()), std::memory_order_relaxed);
  load_.jobs_queued.store(static_cast<uint32_t>(backlog_.size()), std::memory_order_relaxed);
  load_.lanes_queued.store(static_cast<uint32_t>(backlog_.lanes()), std::memory_order_relaxed);
  const Exchange* const next = backlog_.PeekNext();
  load_.next_since_ns.store(next == nullptr ? 0 : next->created.ns, std::memory_order_relaxed);
  load_.queued_since_ns.store(next == nullptr ? 0 : next->queued.ns, std::memory_order_relaxed);
}

// The job is over: nothing reads its request any more.
void Dispatcher::Finish(OutTable::iterator job) {
  payloads_->Recycle(std::move(job->second.request));
  out_.erase(job);
}

void Dispatcher::AnswerError(Exchange* exchange, ErrorCode code, absl::string_view message) {
  if (Exchange* const whole = exchange->part_of) {  // one part's error is the whole job's
    const std::string kept(message);
    exchange->state = Exchange::State::kAnswered;
    DropParts(whole);  // `exchange`, too
    return AnswerError(whole, code, kept);
  }
  exchange->deadline.Disarm();
  DropParts(exchange);
  DropContent(exchange);
  payloads_->Recycle(std::move(exchange->request));
  Answer answer;
  answer.code = code;
  answer.is_plain_error = true;
  answer.message = message;
  if (code == ErrorCode::kOverloaded) answer.retry_ms = static_cast<uint32_t>(RetryMs());
  sink_->OnAnswer(exchange, answer);
}

void Dispatcher::Abandon(Exchange* exchange) {
  exchange->deadline.Disarm();
  Forget(exchange);
  DropParts(exchange);
  payloads_->Recycle(std::move(exchange->request));
}

// What becomes of the job is nothing to the exchange any more.
void Dispatcher::Forget(Exchange* exchange) {
  if (exchange->state == Exchange::State::kQueued) {
    backlog_.Remove(exchange, sink_->LaneOf(exchange));
    PublishLoad();
  } else if (exchange->state == Exchange::State::kOut) {
    Cancel(exchange->id);
    const auto job = out_.find(exchange->id.word());
    CHECK(job != out_.end());
    job->second.exchange = nullptr;
    job->second.content.swap(exchange->content);
    job->second.request_bytes = exchange->request_bytes;
  }
}

void Dispatcher::OnTimer(Timer* timer, Instant) {
  if (timer != &retry_) return OnDeadline(static_cast<DeadlineTimer*>(timer)->exchange);
  if (fence_.state() == Fence::State::kReceived) CheckFence();
  Pump();
}

void Dispatcher::OnDeadline(Exchange* exchange) {
  if (exchange->state == Exchange::State::kReceiving)
    return;  // found out when its content is complete
  const bool was_queued = exchange->state == Exchange::State::kQueued && exchange->split == nullptr;
  if (was_queued) exchange->wait_ns = timers_->now().ns - exchange->submitted.ns;
  Abandon(exchange);
  AnswerError(
      exchange, ErrorCode::kDeadlineExceeded,
      WithDeadline(was_queued ? "deadline passed in the queue" : "deadline passed", *exchange));
}

void Dispatcher::ForEachJob(absl::FunctionRef<void(const Exchange&, bool)> visit) const {
  for (const auto& [word, job] : out_) {
    if (job.exchange != nullptr) visit(*job.exchange, false);
  }
  backlog_.ForEach([&](const Exchange& exchange) { visit(exchange, true); });
}

bool Dispatcher::DropWaiting(JobId id) {
  Exchange* found = nullptr;
  backlog_.ForEach([&](const Exchange& exchange) {
    if (exchange.id == id) found = const_cast<Exchange*>(&exchange);
  });
  // It may wait in the kernel's queue. Its answer, if one comes, is dropped.
  if (const auto sent = out_.find(id.word()); found == nullptr && sent != out_.end()) {
    found = sent->second.exchange;
  }
  if (found == nullptr) return false;
  if (found->part_of != nullptr) found = found->part_of;
  Abandon(found);
  AnswerError(found, ErrorCode::kUnavailable, "the job was dropped by an operator");
  return true;
}

void Dispatcher::AnswerAll(ErrorCode code, absl::string_view message) {
  TakeWholeChannel();
  while (Exchange* const waiting = backlog_.PeekNext()) {
    backlog_.PopNext(sink_->LaneOf(waiting));
    AnswerError(waiting, code, message);
  }
  for (auto& [word, job] : out_) {
    Exchange* const exchange = std::exchange(job.exchange, nullptr);
    if (exchange != nullptr) AnswerError(exchange, code, message);
  }
  PublishLoad();
}

}  // namespace windlass
