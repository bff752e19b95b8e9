// The part of master/supervisor.h that deals with the jobs of pool processes, as far as their slots
// tell.
#include <poll.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/log.h"
#include "common/posix.h"
#include "master/supervisor.h"

namespace windlass {

// Of the job in its slot; null: not known. Does not trust the number.
const HandlerConfig* Supervisor::HandlerOf(const Child& child) const {
  const std::vector<HandlerConfig>& handlers = generation_.config().handlers;
  const uint32_t handler = board_->slot(*child.slot).job_handler.load();
  return handler > 0 && handler <= handlers.size() ? &handlers[handler - 1] : nullptr;
}

// "job 17 of search"
std::string Supervisor::DescribeJob(const Child& child, uint64_t job) const {
  const HandlerConfig* const handler = HandlerOf(child);
  return absl::StrCat("job ", job, handler == nullptr ? "" : " of ",
                      handler == nullptr ? "" : handler->name);
}

void Supervisor::EnforceDeadlines(Instant now) {
  for (auto& child : children_) {
    if (child->is_worker() && child->blocked.any()) LookAtBlocked(*child, now);
    if (!child->is_pool() || child->pid == 0 || !child->killed_because.empty()) continue;
    TakeSample(*child);
    const ProcessSlot& slot = board_->slot(*child->slot);
    const uint64_t word = slot.job.load();
    KillLadder::Job job{word <= kSlotReceiving ? 0 : word, Instant{slot.job_started_ns.load()},
                        Instant{slot.job_deadline_ns.load()}};
    const HandlerConfig* const handler = HandlerOf(*child);
    if (slot.job.load() != word) continue;  // the rest may be another job's
    if (job.deadline == Instant{}) job.deadline = Instant::Never();
    const KillLadder::Step step =
        child->ladder.Next(job, handler == nullptr ? SlowAfter() : handler->slow_after, now);
    if (step == KillLadder::Step::kNone) continue;
    if (step != KillLadder::Step::kKill) {
      const absl::Duration ran = absl::Trunc(now - job.started, absl::Milliseconds(1));
      SampleStack(*child, {step, slot.stack.taken.load(), word, ran, handler});
      continue;
    }
    if (child->sample.step != KillLadder::Step::kNone) {
      const bool blocked = HasBlocked(child->pid, StackSampleSignal()).value_or(false);
      child->no_stack = blocked ? "signals blocked" : "it did not answer in time";
    }
    const absl::Duration over = absl::Trunc(now - job.deadline, absl::Milliseconds(1));
    Kill(*child, EndCause::kDeadline,
         absl::StrCat(DescribeJob(*child, word), " is ", absl::FormatDuration(over),
                      " past its deadline"));
  }
}

// It writes where it is to its slot: the next turn reads it.
void Supervisor::SampleStack(Child& child, const Child::Sample& asked) {
  child.sample = asked;
  (void)PidfdSignal(child.pidfd.get(), StackSampleSignal());  // gone: its pidfd says so
}

void Supervisor::TakeSample(Child& child) {
  const ProcessSlot& slot = board_->slot(*child.slot);
  const Child::Sample asked = child.sample;
  if (asked.step == KillLadder::Step::kNone || slot.stack.taken.load() == asked.taken_before) {
    return;
  }
  child.sample = {};
  if (slot.stack.job.load() != asked.job) return;  // it has ended meanwhile
  SlowJob slow;
  slow.when = absl::Now();
  slow.process = NameOf(child);
  slow.pid = child.pid;
  slow.job = asked.job;
  if (asked.handler != nullptr) slow.handler = asked.handler->name;
  slow.ran = asked.ran;
  slow.past_deadline = asked.step == KillLadder::Step::kSampleLate;
  stack_names_.Ask(
      NamerFor(child), FramesOf(slot.stack), [this, slow](std::vector<std::string> stack) mutable {
        slow.stack = std::move(stack);
        LOG_LIMITED(WARNING, slow_log_, timers_->now())
            << "slow: " << slow.process << " (pid " << slow.pid << ") has been running job "
            << slow.job << (slow.handler.empty() ? "" : " of ") << slow.handler << " for "
            << slow.ran << (slow.past_deadline ? ", past its deadline" : "")
            << "; stack: " << absl::StrJoin(slow.stack, " < ");
        services_.deaths->Add(std::move(slow));
      });
}

bool Supervisor::KillRunning(uint64_t job, absl::string_view why) {
  for (auto& child : children_) {
    if (!child->is_pool() || child->pid == 0) continue;
    if (board_->slot(*child->slot).job.load() != job) continue;
    Kill(*child, EndCause::kOperator, why);
    return true;
  }
  return false;
}

// Its reply channel is writable while it is mostly empty.
bool Supervisor::TakesReplies(const Child& worker, uint32_t pool) const {
  const std::vector<PacketPair>& replies = generation_.pools()[pool].replies;
  const size_t index = worker.slot->value - generation_.place().first_worker;
  if (index >= replies.size()) return true;
  pollfd channel = {replies[index].send_end.get(), POLLOUT, 0};
  return !Poll(absl::MakeSpan(&channel, 1), 0).ok() || (channel.revents & POLLOUT) != 0;
}

void Supervisor::LookAtBlocked(Child& worker, Instant now) {
  if (worker.pid == 0 || !worker.killed_because.empty()) return;
  const uint32_t with_room =
      worker.blocked.TakeThoseWithRoom([&](uint32_t pool) { return TakesReplies(worker, pool); });
  for (uint32_t pool = 0; with_room >> pool != 0; ++pool) {
    if ((with_room >> pool & 1) == 0) continue;
    proto::Command command;
    command.mutable_fence()->set_cause("could not deliver its answer");
    command.mutable_fence()->set_pool(pool);
    command.mutable_fence()->set_has_run(true);
    if (!Tell(worker, command)) return;
  }
  if (!worker.blocked.any()) return;
  const ProcessSlot& slot = board_->slot(*worker.slot);
  uint64_t progress = slot.late_replies.load() + slot.requests.load();
  for (const Word<uint64_t>& answers : slot.answers) progress += answers.load();
  if (!worker.blocked.IsStuck(progress, now)) return;
  Kill(worker, EndCause::kUnresponsive, "it does not take its answers");
}

void Supervisor::SettleJobs(const HeldJob& held, uint32_t pool, const std::string& cause) {
  if (held.id == kSlotIdle) return;
  proto::Command command;
  const JobId id = JobId::FromWord(held.id);
  Child* const worker =
      held.id == kSlotReceiving ? nullptr : FindWorker(id.slot(), id.incarnation());
  if (worker != nullptr) {
    proto::Command::JobLost& lost = *command.mutable_job_lost();
    lost.set_id(held.id);
    lost.set_cause(cause);
    lost.set_may_retry(held.blame.may_retry);
    lost.set_counts(held.blame.counts);
    lost.set_handler(held.handler);
    lost.set_pool(pool);
    Tell(*worker, command);
    return;
  }
  // It may or may not have taken a job, or has written nonsense into its slot before it died:
  // whoever has sent one must find out.
  command.mutable_fence()->set_cause(cause);
  command.mutable_fence()->set_pool(pool);
  for (auto& child : children_) {
    if (child->is_worker() && child->control.has_value()) Tell(*child, command);
  }
}

}  // namespace windlass
