// The part of master/operator.h that asks the workers what they have.
#include <algorithm>

#include "common/config_keys.h"
#include "master/operator.h"

namespace windlass {
namespace {

// What a worker says is checked: it may be broken.
int64_t MsFrom(uint64_t earlier_ns, Instant later) {
  return (later.ns - static_cast<int64_t>(earlier_ns)) / 1'000'000;
}

}  // namespace

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

void Operator::AddConnections(const Supervisor& supervisor, const Child& child,
                              const proto::Report::Surveyed& surveyed,
                              proto::ConnectionsReport* into) {
  const Instant now = services_.timers->now();
  const Generation& generation = supervisor.generation();
  for (const proto::Report::Surveyed::Connection& seen : surveyed.connections()) {
    proto::ConnectionsReport::Connection& entry = *into->add_connections();
    entry.set_peer(seen.peer());
    entry.set_state(seen.state());
    if (seen.listener() < supervisor.bound().size()) {
      const ListenSocket& socket = supervisor.bound()[seen.listener()];
      entry.set_listener(socket.address);
      const absl::string_view protocol =
          ProtocolName(generation.config().listeners[socket.listener].protocol);
      entry.set_protocol(protocol.data(), protocol.size());
    }
    entry.set_age_ms(MsFrom(seen.accepted_ns(), now));
    entry.set_idle_ms(MsFrom(seen.last_active_ns(), now));
    entry.set_in_flight(seen.in_flight());
    entry.set_recv_q(seen.recv_q());
    entry.set_send_q(seen.send_q());
    entry.set_slot(supervisor.NumberOf(child));
    entry.set_generation(generation.number());
  }
  into->set_left_out(into->left_out() + surveyed.left_out());
}

void Operator::AddJobs(const Supervisor& supervisor, const Child& child,
                       const proto::Report::Surveyed& surveyed, proto::JobsReport* into) {
  const Instant now = services_.timers->now();
  const Config& config = supervisor.generation().config();
  for (const proto::Report::Surveyed::Job& seen : surveyed.jobs()) {
    proto::JobsReport::Job& entry = *into->add_jobs();
    entry.set_id(seen.id());
    entry.set_handler(seen.handler() < config.handlers.size() ? config.handlers[seen.handler()].name
                                                              : "(not known yet)");
    entry.set_age_ms(MsFrom(seen.created_ns(), now));
    entry.set_deadline_ms(-MsFrom(seen.deadline_ns(), now));
    entry.set_slot(supervisor.NumberOf(child));
    entry.set_pid(child.pid);
  }
  into->set_left_out(into->left_out() + surveyed.left_out());
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
      entry->set_age_ms(MsFrom(static_cast<uint64_t>(slot.job_started_ns.load()), now));
      entry->set_slot(supervisor->NumberOf(*child));
      entry->set_pid(child->pid);
    }
  }
}

}  // namespace windlass
