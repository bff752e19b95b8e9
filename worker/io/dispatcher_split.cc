// The part of worker/io/dispatcher.h that deals with jobs which their handlers split: the parts, as
// jobs of their own, and then the job that makes the answer of them. A split job has at most one
// part in the backlog that was not out before: it takes one place there, and its connection's turn
// like any other job, before younger jobs of that connection.
#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "common/pools.h"
#include "windlass/handler.h"
#include "worker/io/dispatcher.h"

namespace windlass {

// What a pool process wants its job to be cut into. It may say anything.
absl::Status Dispatcher::CheckSplit(const OutJob& job) {
  const Config& config = *setup_.config;
  const uint32_t handler = reply_.handler() - 1;  // 0 wraps
  if (job.memory != nullptr) return absl::InvalidArgumentError("a part is not split again");
  if (reply_.is_error()) return absl::InvalidArgumentError("parts of an error");
  if (handler >= unknown_handler_ || (job.handler != unknown_handler_ && job.handler != handler) ||
      PoolNamed(config, config.handlers[handler].pool) != pool_) {
    return absl::InvalidArgumentError("a split by a handler that did not have the job");
  }
  if (reply_.parts_size() > JobParts::kMost) return absl::InvalidArgumentError("too many parts");
  for (const std::string& what : reply_.parts()) {
    if (what.size() > JobParts::kMostBytes) return absl::InvalidArgumentError("a part too long");
  }
  const uint64_t bytes = reply_.shared_bytes();
  if (bytes == 0) return absl::OkStatus();
  if (receiver_.fds().empty()) return absl::InvalidArgumentError("a descriptor is missing");
  const int fd = receiver_.fds()[0].get();
  const absl::StatusOr<FileIdentity> identity = IdentifyFile(fd);
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;
  if (!identity.ok() || identity->size != bytes || (GetSeals(fd) & kSeals) != kSeals ||
      bytes > payloads_->budget_bytes()) {
    return absl::InvalidArgumentError("shared memory that is none");
  }
  return absl::OkStatus();
}

// REQUIRES: somebody waits for the job.
void Dispatcher::BeginSplit(OutTable::iterator job) {
  Exchange* const exchange = job->second.exchange;
  const absl::Status checked = CheckSplit(job->second);
  if (!checked.ok()) {
    Finish(job);
    return AnswerUnaccepted(exchange, checked);
  }
  NoteRun(exchange);
  const uint64_t shared_bytes = reply_.shared_bytes();
  exchange->memory = std::make_shared<SplitMemory>(
      payloads_, std::string(exchange->content), std::move(job->second.request),
      exchange->request_bytes, shared_bytes == 0 ? OwnedFd() : std::move(receiver_.fds()[0]),
      shared_bytes);
  DropContent(exchange);
  out_.erase(job);
  exchange->handler = exchange->route_handler = reply_.handler() - 1;
  const Instant by = exchange->created + setup_.config->handlers[exchange->handler].deadline;
  if (by < exchange->deadline.deadline()) timers_->Arm(&exchange->deadline, by);
  exchange->state = Exchange::State::kSplit;
  exchange->split = std::make_unique<SplitJob>();
  SplitJob& split = *exchange->split;
  split.started = exchange->submitted + absl::Nanoseconds(std::max<int64_t>(exchange->wait_ns, 0));
  split.left = static_cast<size_t>(reply_.parts_size());
  split.parts.resize(split.left);
  for (size_t i = 0; i < split.left; ++i) {
    split.parts[i].what = std::move(*reply_.mutable_parts(static_cast<int>(i)));
  }
  EnqueueNextPart(exchange);
}

void Dispatcher::EnqueueNextPart(Exchange* whole) {
  SplitJob& split = *whole->split;
  if (split.next == split.parts.size()) return;
  SplitJob::Part& next = split.parts[split.next];
  next.exchange = std::make_unique<Exchange>(this);
  Exchange* const part = next.exchange.get();
  part->part_of = whole;
  part->memory = whole->memory;
  part->connection = whole->connection;
  part->id = NextId();
  part->pool = pool_;
  part->handler = part->route_handler = whole->handler;
  part->created = whole->created;
  part->submitted = timers_->now();
  DecodeEnvelope(whole->envelope, &job_);
  job_.set_id(part->id.word());
  job_.set_kind(proto::PART);
  job_.set_handler(whole->handler);
  job_.set_listener(0);
  job_.clear_attempt();
  job_.set_deadline_ns(static_cast<uint64_t>(whole->deadline.deadline().ns));
  job_.set_part(static_cast<uint32_t>(split.next));
  job_.set_parts(static_cast<uint32_t>(split.parts.size()));
  job_.set_what(next.what);
  job_.set_shared_bytes(whole->memory->shared_bytes());
  EncodeEnvelope(job_, &part->envelope);
  ++split.next;
  part->state = Exchange::State::kQueued;
  part->queued = timers_->now();
  // What was begun first is finished first: its memory is held until then.
  backlog_.PushAhead(part, sink_->LaneOf(part));
}

// The reply is `part`'s. `accepted`: its pieces are, or why not.
void Dispatcher::FinishPart(Exchange* part, const absl::Status& accepted) {
  Exchange* const whole = part->part_of;
  SplitJob& split = *whole->split;
  const bool has_content = pieces_.size() == 1 && pieces_[0].result != nullptr;
  if (!accepted.ok()) return AnswerUnaccepted(part, accepted);
  if (receiver_.payload().size() > kMaxPartResultBytes || (!has_content && !pieces_.empty())) {
    return AnswerUnaccepted(part, absl::InvalidArgumentError("no result of a part"));
  }
  if (reply_.is_error() || reply_.status() != 0) {
    const auto code = static_cast<ErrorCode>(reply_.status());
    const bool is_late =
        code == ErrorCode::kDeadlineExceeded && timers_->now() >= whole->deadline.deadline();
    if (is_late) return AnswerError(part, code, WithDeadline(reply_.message(), *whole));
    return AnswerError(part, code == ErrorCode::kOk ? ErrorCode::kHandlerFailed : code,
                       reply_.message());
  }
  const auto done = std::find_if(split.parts.begin(), split.parts.end(),
                                 [part](const auto& one) { return one.exchange.get() == part; });
  done->result.assign(receiver_.payload().data(), receiver_.payload().size());
  if (has_content) {
    done->content = std::move(pieces_[0]);
    pieces_.clear();
  }
  done->exchange.reset();
  if (--split.left == 0) BeginMerge(whole);
}

void Dispatcher::BeginMerge(Exchange* whole) {
  SplitJob& split = *whole->split;
  DecodeEnvelope(whole->envelope, &job_);
  whole->id = NextId();
  whole->attempts = 0;
  job_.set_id(whole->id.word());
  job_.set_kind(proto::MERGE);
  job_.set_handler(whole->handler);
  job_.set_listener(0);
  job_.clear_attempt();
  job_.set_deadline_ns(static_cast<uint64_t>(whole->deadline.deadline().ns));
  job_.set_shared_bytes(whole->memory->shared_bytes());
  job_.set_content_bytes(ContentInPacket(*whole).size());
  for (const SplitJob::Part& part : split.parts) {
    job_.add_result_bytes(static_cast<uint32_t>(part.result.size()));
    job_.add_part_bytes(part.content.bytes);
    split.results += part.result;
  }
  EncodeEnvelope(job_, &whole->envelope);
  whole->state = Exchange::State::kQueued;
  whole->queued = timers_->now();
  backlog_.PushFirst(whole, sink_->LaneOf(whole));
}

// Of a job that needs them no more; those that are out hear that nobody waits for them.
void Dispatcher::DropParts(Exchange* whole) {
  if (whole->split != nullptr) {
    std::vector<AnswerPiece> contents;  // those that the answer does not have
    for (SplitJob::Part& part : whole->split->parts) {
      if (part.exchange != nullptr) Forget(part.exchange.get());
      if (part.content.result != nullptr) contents.push_back(std::move(part.content));
    }
    results_.Release(&contents);
    whole->split.reset();
  }
  whole->memory.reset();
}

}  // namespace windlass
