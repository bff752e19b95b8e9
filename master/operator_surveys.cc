// The part of master/operator.h that asks the workers what they have.
#include "master/operator.h"
#include "master/survey_report.h"

namespace windlass {

void Operator::Survey(proto::Command::Survey::Of of, ControlClientId client) {
  RoundCall& call = NewCall(client);
  if (of == proto::Command::Survey::CONNECTIONS) {
    call.reply().mutable_connections();
  } else {
    call.reply().mutable_jobs();
  }
  proto::Command command;
  command.mutable_survey()->set_number(call.number());
  command.mutable_survey()->set_of(of);
  for (Supervisor* supervisor : service_->supervisors()) {
    for (const auto& child : supervisor->children()) {
      if (!child->is_worker() || !supervisor->Tell(*child, command)) continue;
      call.Expect(*supervisor, *child);
    }
  }
  if (call.complete()) Finish(calls_.find(call.number()));
}

// Which process runs each job; and those that run although no worker has spoken of them: their
// worker is silent, or their client has gone.
void Operator::AddUnclaimedJobs(proto::JobsReport* into) const {
  const Instant now = services_.timers->now();
  for (const Supervisor* supervisor : service_->supervisors()) {
    for (const auto& child : supervisor->children()) {
      if (child->is_worker() || !child->slot || child->pid == 0) continue;
      const ProcessSlot& slot = services_.board->slot(*child->slot);
      const uint64_t job = slot.job.load();
      if (job <= kSlotReceiving) continue;
      proto::JobsReport::Job* entry = nullptr;
      for (proto::JobsReport::Job& listed : *into->mutable_jobs()) {
        if (listed.id() == job) entry = &listed;
      }
      if (entry == nullptr) {
        entry = into->add_jobs();
        entry->set_id(job);
        entry->set_handler("(nobody waits for it)");
      }
      entry->set_running(true);
      entry->set_age_ms(MsSince(static_cast<uint64_t>(slot.job_started_ns.load()), now));
      entry->set_slot(supervisor->NumberOf(*child));
      entry->set_pid(child->pid);
    }
  }
}

}  // namespace windlass
