// The part of worker/io/connection.h that writes the access log: one line for each request whose
// head was understood or refused here, whatever becomes of it.
#include "common/config_keys.h"
#include "worker/io/connection.h"
#include "worker/io/survey.h"

namespace windlass {
namespace {

// The client went before it had the whole answer, or did not take it.
constexpr absl::string_view kClientGone = "client_gone";

}  // namespace

// The peer is asked for now: later it may be gone.
void Connection::BeginAccessLog() {
  if (io_->access == nullptr || !io_->access->IsOn(listener_->index)) return;
  if (awaits_proxy_) return;  // again when that is known
  access_start_ =
      AccessLog::Start(listener_->address, PeerName(), ProtocolName(listener_->config->protocol));
}

std::string Connection::PeerName() const {
  return peer_.empty() ? windlass::PeerName(socket_.get()) : peer_;
}

void Connection::LogAccess(const Exchange& exchange, absl::string_view code) {
  if (access_start_.empty()) return;
  AccessRecord record;
  record.request_id = exchange.request_id;
  record.has_request_id = exchange.has_request_id;
  record.handler = exchange.route_handler;
  record.bytes_in = exchange.bytes_in;
  record.bytes_out = exchange.bytes_out;
  record.wait_ns = exchange.wait_ns;
  record.run_ns = exchange.run_ns;
  record.total_ns = io_->now().ns - exchange.arrived.ns;
  record.code = code;
  record.pool_slot = exchange.pool_slot;
  record.attempt = exchange.attempts;
  if (code == kClientGone) {
    const bool is_answered = exchange.state == Exchange::State::kAnswered;
    record.bytes_out = is_answered ? exchange.bytes_out - exchange.unsent_bytes() : 0;
  }
  io_->access->Add(listener_->index, access_start_, record);
}

// An answer that moves with its connection is sent by a worker that knows nothing of its request.
void Connection::LogLost(const Exchange& exchange, CloseReason reason) {
  if (access_start_.empty() || exchange.arrived.ns == 0) return;
  LogAccess(exchange, reason == CloseReason::kMoved ? ErrorCodeName(exchange.code) : kClientGone);
}

void Connection::LogInline(const RequestHead& head, uint32_t handler, uint64_t bytes_out) {
  if (access_start_.empty()) return;
  AccessRecord record;
  record.request_id = head.request_id;
  record.has_request_id = head.has_request_id;
  record.handler = handler;
  record.bytes_in = head.frame_bytes();
  record.bytes_out = bytes_out;
  record.code = ErrorCodeName(ErrorCode::kOk);
  io_->access->Add(listener_->index, access_start_, record);
}

}  // namespace windlass
