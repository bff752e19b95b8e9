// The part of master/supervisor.h that deals with the jobs of pool processes, as far as their slots
// tell.
#include "absl/strings/str_cat.h"
#include "master/supervisor.h"

namespace windlass {

// "job 17 of search". Trusts neither number.
std::string Supervisor::DescribeJob(const Child& child, uint64_t job) const {
  const std::vector<HandlerConfig>& handlers = generation_.config().handlers;
  const uint32_t handler = board_->slot(*child.slot).job_handler.load();
  const bool is_known = handler > 0 && handler <= handlers.size();
  return absl::StrCat("job ", job, is_known ? " of " : "",
                      is_known ? handlers[handler - 1].name : "");
}

void Supervisor::EnforceDeadlines(Instant now) {
  for (auto& child : children_) {
    if (child->is_worker() || child->pid == 0 || !child->killed_because.empty()) continue;
    const ProcessSlot& slot = board_->slot(*child->slot);
    const uint64_t job = slot.job.load();
    const Instant deadline{slot.job_deadline_ns.load()};
    if (job <= kSlotReceiving || deadline == Instant{}) continue;
    if (slot.job.load() != job) continue;  // the deadline may be another job's
    if (now < deadline + kDeadlineGrace) continue;
    const absl::Duration over = absl::Trunc(now - deadline, absl::Milliseconds(1));
    Kill(*child, absl::StrCat(DescribeJob(*child, job), " is ", absl::FormatDuration(over),
                              " past its deadline"));
  }
}

bool Supervisor::KillRunning(uint64_t job, absl::string_view why) {
  for (auto& child : children_) {
    if (child->is_worker() || child->pid == 0) continue;
    if (board_->slot(*child->slot).job.load() != job) continue;
    Kill(*child, why);
    return true;
  }
  return false;
}

// What a dead pool process had in its hands, as far as its slot says.
void Supervisor::SettleJobs(uint64_t held_job, const std::string& cause) {
  if (held_job == kSlotIdle) return;
  proto::Command command;
  if (held_job != kSlotReceiving) {
    const JobId id = JobId::FromWord(held_job);
    Child* const worker = FindWorker(id.slot(), id.incarnation());
    if (worker == nullptr) return;
    command.mutable_job_lost()->set_id(held_job);
    command.mutable_job_lost()->set_cause(cause);
    Tell(*worker, command);
    return;
  }
  // It may or may not have taken a job: whoever has sent one must find out.
  command.mutable_fence()->set_cause(cause);
  for (auto& child : children_) {
    if (child->is_worker() && child->control.has_value()) Tell(*child, command);
  }
}

}  // namespace windlass
