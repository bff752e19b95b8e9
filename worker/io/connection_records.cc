// The part of worker/io/connection.h that notes what became of requests.
#include "worker/io/connection.h"

namespace windlass {

void Connection::NoteAnswered(Exchange* exchange, ErrorCode code) {
  exchange->state = Exchange::State::kAnswered;
  exchange->code = code;
  exchange->bytes_out = exchange->unsent_bytes();
  output_.OnAnswered(*exchange);
  Bump(io_->slot->answers[static_cast<size_t>(code)]);
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

void Connection::OnDelivered(const Exchange& /*exchange*/) {}

void Connection::OnAnsweredInline(uint32_t /*handler*/, uint64_t /*bytes_in*/,
                                  uint64_t /*bytes_out*/) {
  Bump(io_->slot->answers[static_cast<size_t>(ErrorCode::kOk)]);
}

}  // namespace windlass
