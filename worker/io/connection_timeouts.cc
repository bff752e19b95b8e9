// The part of worker/io/connection.h that knows how long things may take.
#include "worker/io/connection.h"

namespace windlass {
namespace {

// How long a client may take to close after our last byte. Short when draining: idle clients of a
// keep-alive protocol often do not look at their connection until they need it.
constexpr absl::Duration kLingerTimeout = absl::Seconds(5);
constexpr absl::Duration kDrainLingerTimeout = absl::Seconds(1);

}  // namespace

// Whatever can run out now; timers are armed lazily and look here when they fire.
Instant Connection::NextTimeout() const {
  const ListenerConfig& config = *listener_->config;
  if (state_ == ConnState::kLingering) {
    return since_ + (IsDraining() || io_->leaving ? kDrainLingerTimeout : kLingerTimeout);
  }
  if (IsDraining() && state_ == ConnState::kReadingFrames) return PatienceEnd();
  if (output_blocked_) return blocked_since_ + config.write_timeout;
  switch (state_) {
    case ConnState::kReceivingContent:
    case ConnState::kSkippingContent:
      return since_ + config.frame_timeout;
    case ConnState::kReadingFrames:
      if (!input_.empty()) return since_ + config.frame_timeout;
      break;
    default:
      break;
  }
  // Jobs have deadlines of their own; look again later.
  const Instant from = output_.empty() ? last_active_ : io_->now();
  return from + config.idle_timeout;
}

CloseReason Connection::TimeoutReason() const {
  if (state_ == ConnState::kLingering) return CloseReason::kDone;
  if (output_blocked_) return CloseReason::kWriteTimeout;
  const bool in_frame = state_ == ConnState::kReceivingContent ||
                        state_ == ConnState::kSkippingContent ||
                        (state_ == ConnState::kReadingFrames && !input_.empty());
  return in_frame ? CloseReason::kFrameTimeout : CloseReason::kIdleTimeout;
}

// Where the protocol has words for it, the client hears that its request did not arrive in time.
bool Connection::AnswerTimeout() {
  const bool is_receiving = state_ == ConnState::kReceivingContent;
  const bool is_waiting = is_receiving || state_ == ConnState::kReadingFrames;
  FrameError error;
  if (!is_waiting || awaits_proxy_ || TimeoutReason() != CloseReason::kFrameTimeout ||
      !listener_->framing->TimeoutError(&error)) {
    return false;
  }
  Bump(io_->slot->closed_frame);
  RequestHead last;
  last.close_after = true;
  Exchange* const exchange = is_receiving ? TakeReceiving() : NewExchange(last);
  decoder_.reset();
  exchange->close_after = true;
  io_->dispatchers->payloads(*exchange).Recycle(std::move(exchange->request));
  input_.Clear();
  AnswerError(exchange, error);
  Enter(ConnState::kFinishing);
  UpdateInterest();
  return true;
}

void Connection::ArmNoLaterThan(Instant deadline) {
  if (deadline < timer_.deadline()) io_->timers->Arm(&timer_, deadline);
}

void Connection::OnTimer(Timer*, Instant now) {
  if (state_ == ConnState::kAwaitingMemory) return OnMemoryRetry();
  FinishIfDraining();
  const Instant due = NextTimeout();
  if (now >= due && !AnswerTimeout()) return Close(TimeoutReason());
  io_->timers->Arm(&timer_, due);
}

}  // namespace windlass
