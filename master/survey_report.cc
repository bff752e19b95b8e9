#include "master/survey_report.h"

#include <algorithm>

#include "common/config_keys.h"

namespace windlass {

int64_t MsSince(uint64_t then_ns, Instant now) {
  constexpr absl::Duration kMost = absl::Nanoseconds(INT64_MAX);
  const absl::Duration since = now - Instant{static_cast<int64_t>(then_ns)};
  return absl::ToInt64Milliseconds(std::clamp(since, -kMost, kMost));
}

void AddConnections(const SurveyedWorker& worker, const proto::Report::Surveyed& surveyed,
                    Instant now, proto::ConnectionsReport* into) {
  for (const proto::Report::Surveyed::Connection& seen : surveyed.connections()) {
    proto::ConnectionsReport::Connection& entry = *into->add_connections();
    entry.set_peer(seen.peer());
    entry.set_state(seen.state());
    if (seen.listener() < worker.bound.size()) {
      const ListenSocket& socket = worker.bound[seen.listener()];
      entry.set_listener(socket.address);
      const absl::string_view protocol =
          ProtocolName(worker.config.listeners[socket.listener].protocol);
      entry.set_protocol(protocol.data(), protocol.size());
    }
    entry.set_age_ms(MsSince(seen.accepted_ns(), now));
    entry.set_idle_ms(MsSince(seen.last_active_ns(), now));
    entry.set_in_flight(seen.in_flight());
    entry.set_recv_q(seen.recv_q());
    entry.set_send_q(seen.send_q());
    entry.set_slot(worker.number);
    entry.set_generation(worker.generation);
  }
  into->set_left_out(into->left_out() + surveyed.left_out());
}

void AddJobs(const SurveyedWorker& worker, const proto::Report::Surveyed& surveyed, Instant now,
             proto::JobsReport* into) {
  const std::vector<HandlerConfig>& handlers = worker.config.handlers;
  for (const proto::Report::Surveyed::Job& seen : surveyed.jobs()) {
    proto::JobsReport::Job& entry = *into->add_jobs();
    entry.set_id(seen.id());
    entry.set_handler(seen.handler() < handlers.size() ? handlers[seen.handler()].name
                                                       : "(not known yet)");
    entry.set_age_ms(MsSince(seen.created_ns(), now));
    entry.set_deadline_ms(-MsSince(seen.deadline_ns(), now));
    entry.set_slot(worker.number);
    entry.set_pid(worker.pid);
  }
  into->set_left_out(into->left_out() + surveyed.left_out());
}

}  // namespace windlass
