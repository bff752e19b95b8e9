// The part of worker/io/connection.h that notes what became of requests.
#include "worker/io/connection.h"

namespace windlass {

void Connection::NoteAnswered(Exchange* exchange, ErrorCode code) {
  exchange->state = Exchange::State::kAnswered;
  exchange->code = code;
  exchange->bytes_out = exchange->unsent_bytes();
  output_.OnAnswered(*exchange);
  Bump(io_->slot->answers[static_cast<size_t>(code)]);
  if (listener_->meter != nullptr) listener_->meter->OnAnswered(*exchange);
  ScheduleFlush();
}

// The kernel has the whole of it.
void Connection::OnSent(Exchange* exchange) {
  if (exchange->arrived.ns != 0) {
    OnDelivered(*exchange);
    LogAccess(*exchange, ErrorCodeName(exchange->code));
  }
  io_->Release(exchange);
}

void Connection::OnDelivered(const Exchange& exchange) {
  if (listener_->meter != nullptr) listener_->meter->OnDelivered(exchange, io_->now());
}

void Connection::OnAnsweredInline(uint32_t handler, uint64_t bytes_in, uint64_t bytes_out) {
  Bump(io_->slot->answers[static_cast<size_t>(ErrorCode::kOk)]);
  if (listener_->meter != nullptr) listener_->meter->OnInline(handler, bytes_in, bytes_out);
}

}  // namespace windlass
