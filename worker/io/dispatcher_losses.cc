// The part of worker/io/dispatcher.h that deals with jobs whose process is dead, and with payloads
// that have killed too many.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/io/dispatcher.h"

namespace windlass {
namespace {

constexpr absl::Duration kLookAtSlotsEvery = absl::Milliseconds(1);

}  // namespace

void Dispatcher::OnJobLost(const LostJob& lost) {
  TakeWholeChannel();  // it may have been answered just before its process died
  const auto job = IsMine(lost.id) ? out_.find(lost.id.word()) : out_.end();
  if (job == out_.end()) return Pump();
  if (fence_.state() == Fence::State::kSent && lost.id == fence_.id()) fence_.Request(lost.cause);
  Lose(job, lost);
  Pump();
}

void Dispatcher::Lose(OutTable::iterator job, const LostJob& lost) {
  Exchange* const exchange = job->second.exchange;
  if (exchange == nullptr) {
    // Whoever leaves, or has a short deadline, does not get out of the quarantine by that.
    const OutJob& left = job->second;
    absl::string_view content = left.content;
    if (left.request != nullptr) content = {left.request->data(), left.request_bytes};
    if (left.memory != nullptr) content = left.memory->content();
    NoteCrash(left.handler, lost, content);
    return Finish(job);
  }
  exchange->request = std::move(job->second.request);
  out_.erase(job);
  NoteCrash(exchange->handler, lost, exchange->whole_content());
  if (MayRunAgain(*exchange, lost)) return SendAgain(exchange, lost);
  AnswerError(
      exchange, ErrorCode::kHandlerCrashed,
      absl::StrCat(exchange->attempts > 1 ? "tried twice: the second process running the job "
                                          : "the process running the job ",
                   lost.cause));
}

void Dispatcher::NoteCrash(uint32_t known_handler, const LostJob& lost, absl::string_view content) {
  const uint32_t handler = HandlerOf(known_handler, lost);
  if (!lost.counts || handler == unknown_handler_ || !quarantine_.enabled()) return;
  sink_->OnCrash(quarantine_.Describe(handler, content));
}

// unknown_handler_: it cannot be told.
uint32_t Dispatcher::HandlerOf(uint32_t known_handler, const LostJob& lost) const {
  if (known_handler != unknown_handler_) return known_handler;
  const bool is_told = lost.handler > 0 && lost.handler <= unknown_handler_;
  return is_told ? lost.handler - 1 : unknown_handler_;
}

// Its deadline has not passed: it would have been answered then.
bool Dispatcher::MayRunAgain(const Exchange& exchange, const LostJob& lost) const {
  if (!lost.may_retry || exchange.attempts >= kMostAttempts) return false;
  if (!lost.had_begun) return true;
  const std::vector<HandlerConfig>& handlers = setup_.config->handlers;
  const uint32_t handler = HandlerOf(exchange.handler, lost);
  if (handler != unknown_handler_) return handlers[handler].idempotent;
  return std::all_of(handlers.begin(), handlers.end(),
                     [](const HandlerConfig& any) { return any.idempotent; });
}

// Late replies to the first attempt have its id, and match nothing.
void Dispatcher::SendAgain(Exchange* exchange, const LostJob& lost) {
  if (!quarantine_.empty() && RefuseQuarantined(exchange, exchange->whole_content())) return;
  exchange->id = NextId();
  DecodeEnvelope(exchange->envelope, &job_);
  job_.set_id(exchange->id.word());
  job_.set_attempt(exchange->attempts);
  // Where the pool has found the handler: what is left of that one's deadline, not all of it again.
  if (const uint32_t handler = HandlerOf(exchange->handler, lost); handler != unknown_handler_) {
    const Instant by = exchange->created + setup_.config->handlers[handler].deadline;
    job_.set_deadline_ns(std::min(job_.deadline_ns(), static_cast<uint64_t>(by.ns)));
  }
  EncodeEnvelope(job_, &exchange->envelope);
  exchange->state = Exchange::State::kQueued;
  exchange->queued = timers_->now();
  backlog_.PushFirst(exchange, sink_->LaneOf(exchange));
  Bump(slot_.jobs_retried);
}

void Dispatcher::OnFenceRequested(absl::string_view cause, bool have_run) {
  has_broken_reply_ = has_broken_reply_ || have_run;
  if (fence_.state() == Fence::State::kSent) {
    // The older fence's own job may be among the lost: its entry goes, so that it is not waited
    // for.
    if (const auto older = out_.find(fence_.id().word()); older != out_.end()) Finish(older);
  }
  fence_.Request(cause);
  Pump();
}

// REQUIRES: the fence has been received.
void Dispatcher::CheckFence() {
  if (!fence_.Sample(board_, setup_.generation, pool_)) {
    timers_->Arm(&retry_, timers_->now() + kLookAtSlotsEvery);
    return;
  }
  TakeWholeChannel();  // after the look at the slots: what was answered before it is in the channel
  fence_.Done();
  std::vector<uint64_t> lost;
  for (const auto& [word, job] : out_) {
    if (fence_.Lost(JobId::FromWord(word), job.send_order)) lost.push_back(word);
  }
  const std::string cause(fence_.cause());
  // One whose answer was broken has run to its end. One that no slot names may be another dead
  // process's, of which the master's word is still on its way: so it may have begun.
  const bool may_retry = !std::exchange(has_broken_reply_, false);
  for (uint64_t word : lost) OnJobLost({JobId::FromWord(word), cause, may_retry});
}

void Dispatcher::OnQuarantine(const proto::Command::Quarantine& list) {
  quarantine_.Set(list);
  if (quarantine_.empty()) return;
  std::vector<Exchange*> waiting;
  backlog_.ForEach([&](const Exchange& one) { waiting.push_back(const_cast<Exchange*>(&one)); });
  for (Exchange* const exchange : waiting) {
    if (exchange->memory != nullptr) continue;  // of a job that has begun
    RefuseQuarantined(exchange, exchange->whole_content());
  }
  PublishLoad();
}

// True: it has been answered.
bool Dispatcher::RefuseQuarantined(Exchange* exchange, absl::string_view content) {
  const absl::Duration left = quarantine_.RefusedFor(exchange->handler, content, timers_->now());
  if (left <= absl::ZeroDuration()) return false;
  if (exchange->state == Exchange::State::kQueued) {
    backlog_.Remove(exchange, sink_->LaneOf(exchange));
  }
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(left, absl::Seconds(1)));
  AnswerError(exchange, ErrorCode::kQuarantined,
              absl::StrCat("this payload has crashed the processes that ran it; refused for ",
                           seconds, " s more"));
  return true;
}

}  // namespace windlass
