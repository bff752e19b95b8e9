// The part of worker/io/dispatcher.h that takes what the pool sends.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/pools.h"
#include "worker/io/dispatcher.h"

namespace windlass {
namespace {

// More packets than fit into a channel's buffer, of which each takes some 700 bytes at least.
constexpr int kMostInChannel = 2048;
constexpr int kMoreThanDue = 64;

}  // namespace

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
  const auto job = out_.find(id.word());
  const bool is_split = reply_.parts_size() > 0;
  absl::Status accepted;
  if (!is_split) {
    Exchange* const whole = job == out_.end() ? nullptr : job->second.exchange;
    accepted = results_.Accept(reply_, receiver_.payload(), receiver_.fds(),
                               job == out_.end() ? nullptr : job->second.memory,
                               whole == nullptr ? nullptr : whole->split.get(), &pieces_);
  }
  const bool is_fence = fence_.state() == Fence::State::kSent && id == fence_.id();
  if (is_fence) fence_.OnReceived();
  if (receiver_.fds_truncated()) {
    // The memory cannot be given back through a mapping: the slot says that it is free.
    Cancel(id);
  }
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
  if (exchange != nullptr && is_split) return BeginSplit(job);
  Finish(job);
  if (exchange == nullptr) {
    if (!is_fence) Bump(slot_.late_replies);
    return results_.Release(&pieces_);
  }
  if (accepted.ok() && reply_.status() >= kErrorCodeCount) {
    accepted = absl::InvalidArgumentError("unknown status");
  }
  if (exchange->part_of != nullptr) {
    FinishPart(exchange, accepted);
    return results_.Release(&pieces_);
  }
  if (!accepted.ok()) {
    results_.Release(&pieces_);
    return AnswerUnaccepted(exchange, accepted);
  }
  const bool is_late = timers_->now() >= exchange->deadline.deadline();
  exchange->deadline.Disarm();
  DropContent(exchange);
  NoteRun(exchange);
  DropParts(exchange);
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

void Dispatcher::AnswerUnaccepted(Exchange* exchange, const absl::Status& why) {
  const bool lacks_fds = receiver_.fds_truncated();
  if (!lacks_fds && absl::IsInvalidArgument(why)) {
    LOG_LIMITED(ERROR, broken_reply_log_, timers_->now())
        << "broken reply from the pool: " << why.ToString();
    return AnswerError(exchange, ErrorCode::kHandlerFailed, "the pool sent a broken answer");
  }
  // Nothing is wrong with the reply.
  const bool is_mapping = !lacks_fds && !absl::IsUnavailable(why);
  AnswerError(exchange, ErrorCode::kUnavailable,
              is_mapping ? "the answer's memory cannot be mapped"
                         : absl::string_view("no file descriptor left for the answer"));
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
  if (exchange->split != nullptr) {
    // One job: it has run since a process began to split it.
    exchange->run_ns = std::max<int64_t>(0, timers_->now().ns - exchange->split->started.ns);
  } else {
    const uint64_t wait = reply_.started_ns() - static_cast<uint64_t>(exchange->submitted.ns);
    exchange->wait_ns = std::clamp<int64_t>(static_cast<int64_t>(wait), 0, most);
    exchange->run_ns = static_cast<int64_t>(std::min<uint64_t>(reply_.run_ns(), most));
  }
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

}  // namespace windlass
