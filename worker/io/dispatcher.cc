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
// More packets than fit into a channel's buffer, of which each takes some 700 bytes at least.
constexpr int kMostInChannel = 2048;
constexpr int kMoreThanDue = 64;
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
      retry_(this) {}

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
  return std::clamp(static_cast<int>(queue_ms / 2), 10, 10'000);
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
  const int memfd = exchange->request == nullptr ? -1 : exchange->request->fd();
  const absl::Span<const int> fds =
      memfd < 0 ? absl::Span<const int>() : absl::MakeConstSpan(&memfd, 1);
  if (SendJobPacket(channels_.job_queue, envelope, {content}, fds) != PacketOutcome::kDone)
    return false;
  exchange->state = Exchange::State::kOut;
  ++exchange->attempts;
  out_.emplace(exchange->id.word(), OutJob{exchange, std::move(exchange->request),
                                           exchange->handler, next_send_++, "", 0});
  return true;
}

void Dispatcher::Pump() {
  if (fence_.state() == Fence::State::kToSend) {
    Exchange marker(this);  // never submitted: it only lends its id
    EncodeJob(&marker, JobRequest{proto::FENCE, 0, 0, {}, {}, {}, false, Instant::Never()},
              &envelope_);
    if (SendJobPacket(channels_.job_queue, envelope_, {}, {}) == PacketOutcome::kDone) {
      fence_.OnSent(marker.id, next_send_);
      out_.emplace(marker.id.word(),
                   OutJob{nullptr, nullptr, unknown_handler_, next_send_++, "", 0});
    }
  }
  while (Exchange* const next = backlog_.PeekNext()) {
    if (!HasCredit(*next)) break;
    if (!Send(next, next->envelope, next->content)) break;
    backlog_.PopNext(sink_->LaneOf(next));
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

void Dispatcher::OnRepliesReady() {
  // Not much more than can be due: the other pools of this worker have their turn, too.
  TakeReplies(static_cast<int>(out_.size()) + kMoreThanDue);
  if (fence_.state() == Fence::State::kReceived) CheckFence();
  Pump();
}

// At most so many, or a process that floods the channel would have us to itself.
void Dispatcher::TakeReplies(int most) {
  for (int i = 0; i < most; ++i) {
    switch (receiver_.Receive(channels_.reply_channel, &reply_)) {
      case JobPacketReceiver::Outcome::kPacket:
        TakeReply();
        break;
      case JobPacketReceiver::Outcome::kMalformed:
        // Whose answer it was cannot be told: the fence finds the job that nobody has any more.
        Bump(slot_.late_replies);
        has_broken_reply_ = true;
        if (fence_.state() == Fence::State::kNone) fence_.Request("sent a broken answer");
        break;
      case JobPacketReceiver::Outcome::kEmpty:
      case JobPacketReceiver::Outcome::kPeerGone:
        return;
    }
  }
}

void Dispatcher::TakeWholeChannel() { TakeReplies(kMostInChannel); }

bool Dispatcher::IsMine(JobId id) const {
  return id.slot() == setup_.slot && id.incarnation() == setup_.incarnation;
}

void Dispatcher::TakeReply() {
  const JobId id = JobId::FromWord(reply_.id());
  // To this slot's former process: its result memory is free already, and may hold another answer.
  if (!IsMine(id)) return Bump(slot_.late_replies);
  // Accepted before it is known whether anybody waits: memory that a late reply brings must be
  // given back, too.
  const absl::Status accepted =
      results_.Accept(reply_, receiver_.payload(), receiver_.fds(), &pieces_);
  const bool is_fence = fence_.state() == Fence::State::kSent && id == fence_.id();
  if (is_fence) fence_.OnReceived();
  if (receiver_.fds_truncated()) {
    // The memory cannot be given back through a mapping: the slot says that it is free.
    Cancel(id);
  }
  const auto job = out_.find(id.word());
  if (job == out_.end()) {
    Bump(slot_.late_replies);
    return results_.Release(&pieces_);
  }
  Exchange* const exchange = job->second.exchange;
  if (exchange != nullptr && IsElsewhere(job->second)) {
    exchange->request = std::move(job->second.request);
    out_.erase(job);
    results_.Release(&pieces_);
    return others_->OnElsewhere(exchange, reply_.handler() - 1);
  }
  if (!is_fence && reply_.status() == 0) run_times_.Add(job->second.handler, reply_.run_ns());
  Finish(job);
  if (exchange == nullptr) {
    if (!is_fence) Bump(slot_.late_replies);
    return results_.Release(&pieces_);
  }
  const bool broken = !accepted.ok() || reply_.status() >= kErrorCodeCount;
  if (broken) {
    LOG_LIMITED(ERROR, broken_reply_log_, timers_->now())
        << "broken reply from the pool: " << accepted.ToString();
    results_.Release(&pieces_);
    return AnswerError(exchange, ErrorCode::kHandlerFailed, "the pool sent a broken answer");
  }
  const bool is_late = timers_->now() >= exchange->deadline.deadline();
  exchange->deadline.Disarm();
  DropContent(exchange);
  NoteRun(exchange);
  Answer answer;
  answer.code = static_cast<ErrorCode>(reply_.status());
  answer.is_plain_error = reply_.is_error();
  answer.message = reply_.message();
  std::string with_deadline;
  if (is_late && answer.code == ErrorCode::kDeadlineExceeded) {
    answer.message = with_deadline = WithDeadline(reply_.message(), *exchange);
  }
  answer.content_type = reply_.content_type();
  answer.content_encoding = reply_.content_encoding();
  answer.content = reply_.pieces().empty() ? receiver_.payload() : absl::string_view();
  answer.pieces = reply_.pieces().empty() ? nullptr : &pieces_;
  sink_->OnAnswer(exchange, answer);
  results_.Release(&pieces_);  // what the sink did not take
}

// Only the default pool finds out whose a job is, and only of jobs that it was asked about. It may
// say what it likes: that spoils its own answer.
bool Dispatcher::IsElsewhere(const OutJob& job) const {
  if (!reply_.elsewhere() || others_ == nullptr || job.handler != unknown_handler_) return false;
  const uint32_t handler = reply_.handler() - 1;  // 0 wraps
  const Config& config = *setup_.config;
  return handler < unknown_handler_ && PoolNamed(config, config.handlers[handler].pool) != pool_;
}

void Dispatcher::TakeOver(Exchange* exchange, uint32_t handler) {
  const Instant by = exchange->created + setup_.config->handlers[handler].deadline;
  const Instant deadline = std::min(exchange->deadline.deadline(), by);
  exchange->pool = pool_;
  exchange->id = NextId();
  exchange->handler = exchange->route_handler = handler;
  exchange->attempts = 0;
  DecodeEnvelope(exchange->envelope, &job_);
  job_.set_id(exchange->id.word());
  job_.set_kind(proto::RUN);
  job_.set_handler(handler);
  job_.set_listener(0);
  job_.set_deadline_ns(static_cast<uint64_t>(deadline.ns));
  job_.clear_attempt();
  EncodeEnvelope(job_, &exchange->envelope);
  if (!quarantine_.empty() && RefuseQuarantined(exchange, exchange->whole_content())) return;
  timers_->Arm(&exchange->deadline, deadline);
  Enqueue(exchange);
  Pump();
}

void Dispatcher::Refuse(Exchange* exchange, ErrorCode code, absl::string_view message) {
  AnswerError(exchange, code, message);
}

// What the pool process says of the run. It may say anything: no time in it is longer than ours.
void Dispatcher::NoteRun(Exchange* exchange) const {
  if (reply_.started_ns() == 0) return;  // of a former binary, which did not say
  const int64_t most = std::max<int64_t>(0, timers_->now().ns - exchange->submitted.ns);
  const uint64_t wait = reply_.started_ns() - static_cast<uint64_t>(exchange->submitted.ns);
  exchange->wait_ns = std::clamp<int64_t>(static_cast<int64_t>(wait), 0, most);
  exchange->run_ns = static_cast<int64_t>(std::min<uint64_t>(reply_.run_ns(), most));
  const uint32_t slot = reply_.slot() - board_.worker_slots();  // wraps below the first
  if (slot < board_.pool_slots()) exchange->pool_slot = reply_.slot();
  if (reply_.handler() - 1 < unknown_handler_) exchange->route_handler = reply_.handler() - 1;
}

// `message`, and which deadline it was: the shorter one of the client's and the handler's.
std::string Dispatcher::WithDeadline(absl::string_view message, const Exchange& exchange) const {
  const std::vector<HandlerConfig>& handlers = setup_.config->handlers;
  const HandlerConfig* const handler =
      exchange.route_handler < handlers.size() ? &handlers[exchange.route_handler] : nullptr;
  const absl::Duration asked = absl::Milliseconds(exchange.asked_deadline_ms);
  const bool is_clients =
      exchange.asked_deadline_ms != 0 && (handler == nullptr || asked <= handler->deadline);
  if (is_clients) {
    return absl::StrCat(message, " (the request's own, ", absl::FormatDuration(asked), ")");
  }
  if (handler == nullptr) return std::string(message);
  return absl::StrCat(message, " (handler ", handler->name, "'s, ",
                      absl::FormatDuration(handler->deadline), ")");
}

// The job is over: nothing reads its request any more.
void Dispatcher::Finish(OutTable::iterator job) {
  payloads_->Recycle(std::move(job->second.request));
  out_.erase(job);
}

void Dispatcher::AnswerError(Exchange* exchange, ErrorCode code, absl::string_view message) {
  exchange->deadline.Disarm();
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
  payloads_->Recycle(std::move(exchange->request));
}

void Dispatcher::OnTimer(Timer* timer, Instant) {
  if (timer != &retry_) return OnDeadline(static_cast<DeadlineTimer*>(timer)->exchange);
  if (fence_.state() == Fence::State::kReceived) CheckFence();
  Pump();
}

void Dispatcher::OnDeadline(Exchange* exchange) {
  if (exchange->state == Exchange::State::kReceiving)
    return;  // found out when its content is complete
  const bool was_queued = exchange->state == Exchange::State::kQueued;
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
