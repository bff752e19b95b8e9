#include "worker/io/survey.h"

#include "common/address.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr int kPerPacket = 100;

// Collects entries into packets, and counts those that the channel does not take.
class SurveyWriter {
 public:
  SurveyWriter(uint32_t number, ControlChannel* control) : control_(control) {
    report_.mutable_surveyed()->set_number(number);
  }
  proto::Report::Surveyed* Next() {
    if (in_packet_ == kPerPacket) Send();
    ++in_packet_;
    return report_.mutable_surveyed();
  }
  void Finish() {
    report_.mutable_surveyed()->set_last(true);
    report_.mutable_surveyed()->set_left_out(left_out_);
    Send();
  }

 private:
  void Send() {
    proto::Report::Surveyed& surveyed = *report_.mutable_surveyed();
    // Room is kept for the last one, which says how many are missing.
    const bool has_room = UnsentQueueBytes(control_->fd()) < SendBufferBytes(control_->fd()) / 2;
    if (!surveyed.last() && (!has_room || control_->Send(report_) != PacketOutcome::kDone)) {
      left_out_ += static_cast<uint64_t>(in_packet_);
    } else if (surveyed.last()) {
      control_->Send(report_);
    }
    surveyed.clear_connections();
    surveyed.clear_jobs();
    in_packet_ = 0;
  }

  ControlChannel* const control_;
  proto::Report report_;
  int in_packet_ = 0;
  uint64_t left_out_ = 0;
};

// Which of the listening sockets it came in at.
uint32_t ListenerIndex(const ProcessSetup& setup, const ListenerContext& listener) {
  for (uint32_t i = 0; i < setup.listeners.size(); ++i) {
    const ListenSocket& socket = setup.listeners[i];
    if (socket.listener == listener.index && socket.address == listener.address) return i;
  }
  return UINT32_MAX;
}

void Describe(const Connection& connection, const ProcessSetup& setup,
              proto::Report::Surveyed::Connection* into) {
  into->set_peer(connection.PeerName());
  into->set_listener(ListenerIndex(setup, connection.listener()));
  const absl::string_view state = ConnStateName(connection.state());
  into->set_state(state.data(), state.size());
  into->set_accepted_ns(static_cast<uint64_t>(connection.accepted().ns));
  into->set_last_active_ns(static_cast<uint64_t>(connection.last_active().ns));
  into->set_in_flight(connection.in_flight());
  const SocketQueues queues = QueuesOf(connection.fd());
  into->set_recv_q(queues.received);
  into->set_send_q(queues.sent);
}

}  // namespace

std::string PeerName(int fd) {
  SocketAddress peer;
  const absl::StatusOr<sockaddr_storage> address = PeerAddress(fd, &peer.length);
  if (!address.ok()) return "?";  // it has just gone
  peer.storage = *address;
  return FormatSocketAddress(peer);
}

void AnswerSurvey(const proto::Command::Survey& survey, const ProcessSetup& setup, Instant now,
                  ConnectionTable* connections, const DispatcherSet& dispatchers,
                  ControlChannel* control) {
  SurveyWriter writer(survey.number(), control);
  if (survey.of() == proto::Command::Survey::CONNECTIONS) {
    connections->ForEach([&](Connection* connection) {
      if (!connection->closed()) Describe(*connection, setup, writer.Next()->add_connections());
    });
  } else {
    dispatchers.ForEachJob([&](const Exchange& exchange, bool queued) {
      proto::Report::Surveyed::Job* const job = writer.Next()->add_jobs();
      job->set_id(exchange.id.word());
      job->set_handler(exchange.handler);
      job->set_created_ns(static_cast<uint64_t>(exchange.created.ns));
      const Exchange& whole = exchange.part_of == nullptr ? exchange : *exchange.part_of;
      const Instant deadline = whole.deadline.armed() ? whole.deadline.deadline() : now;
      job->set_deadline_ns(static_cast<uint64_t>(deadline.ns));
      job->set_queued(queued);
    });
  }
  writer.Finish();
}

}  // namespace windlass
