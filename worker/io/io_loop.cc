#include "worker/io/io_loop.h"

#include <algorithm>

#include "common/log.h"
#include "common/posix.h"
#include "proto/control.pb.h"

namespace windlass {
namespace {

constexpr size_t kInputScratchBytes = 64 << 10;
// Results and files come as descriptors: clients are turned away before answers are.
constexpr int kReservedDescriptors = 64;
constexpr absl::Duration kTrimEvery = absl::Seconds(5);

}  // namespace

IoLoop::IoLoop(ProcessSetup setup, ControlChannel* control, std::unique_ptr<Selector> selector)
    : setup_(std::move(setup)),
      control_(control),
      selector_(std::move(selector)),
      slot_(setup_.scoreboard->MutableSlot(setup_.slot)),
      timers_(MonotonicNow()),
      router_(*setup_.config),
      exchanges_(&dispatcher_),
      payloads_(*setup_.scoreboard, &slot_, setup_.payload_budget_bytes, &timers_),
      dispatcher_(setup_, &timers_, &payloads_, this),
      acceptor_(setup_, selector_.get(), &timers_),
      drain_timer_(this),
      trim_timer_(this),
      client_fd_limit_(static_cast<int>(RaiseDescriptorLimit()) - kReservedDescriptors) {
  for (uint32_t i = 0; i < setup_.config->listeners.size(); ++i) {
    const ListenerConfig& config = setup_.config->listeners[i];
    listeners_.push_back({i, &config, MakeFraming(config)});
  }
  io_.config = setup_.config;
  io_.slot = &slot_;
  io_.selector = selector_.get();
  io_.timers = &timers_;
  io_.dispatcher = &dispatcher_;
  io_.exchanges = &exchanges_;
  io_.payloads = &payloads_;
  io_.router = &router_;
  io_.input_scratch.resize(kInputScratchBytes + kInputPadding);
  io_.input_scratch_bytes = kInputScratchBytes;
}

IoLoop::~IoLoop() {
  connections_.ForEach([](Connection* connection) { connection->CloseNow(); });
}

absl::Status IoLoop::Start() {
  absl::Status replies =
      selector_->Register(setup_.reply_channel, kReadable, SelectorToken{kRepliesKind << 56});
  if (!replies.ok()) return replies;
  // Answers to this slot's former process may still be there: none of them is for a client of ours.
  dispatcher_.OnRepliesReady();
  return selector_->Register(control_->fd(), kReadable, SelectorToken{kControlKind << 56});
}

int IoLoop::Run() {
  while (!master_gone_ && !(io_.draining && connections_.size() == 0)) Turn();
  return 0;
}

void IoLoop::Turn() {
  acceptor_.BeforeWait(static_cast<uint32_t>(connections_.size()));
  const absl::StatusOr<absl::Span<const Ready>> ready =
      selector_->Select(timers_.SleepMs(MonotonicNow()));
  CHECK(ready.ok()) << ready.status().ToString();
  timers_.Advance(MonotonicNow());
  for (const Ready& event : *ready) OnReady(event);
  if (dispatcher_.results().holds_memory() && !trim_timer_.armed()) {
    timers_.Arm(&trim_timer_, timers_.now() + kTrimEvery);
  }
  EndTurn();
}

void IoLoop::OnReady(const Ready& ready) {
  switch (ready.token.value >> 56) {
    case ConnectionTable::kTokenKind:
      // Null, or closed: it went earlier in this batch.
      if (Connection* const connection = connections_.Find(ready.token); connection != nullptr) {
        if (!connection->closed()) connection->OnReady(ready.events);
      }
      break;
    case Acceptor::kTokenKind:
      acceptor_.OnReady(ready.token, [this](OwnedFd socket, uint32_t listener) {
        TakeClient(std::move(socket), listener);
      });
      break;
    case kRepliesKind:
      dispatcher_.OnRepliesReady();
      break;
    case kControlKind:
      HandleControl();
      break;
    default:
      LOG(ERROR) << "event for unknown token " << ready.token.value;
  }
}

void IoLoop::EndTurn() {
  // A flush may make room for more requests, whose inline answers are flushed in the same turn.
  for (size_t i = 0; i < io_.to_flush.size(); ++i) io_.to_flush[i]->Flush();
  io_.to_flush.clear();
  for (Connection* connection : io_.closed) connections_.Remove(connection);
  io_.closed.clear();
  slot_.connections.store(static_cast<uint32_t>(connections_.size()), std::memory_order_relaxed);
}

void IoLoop::TakeClient(OwnedFd socket, uint32_t listener) {
  if (connections_.size() >= static_cast<size_t>(setup_.config->workers.max_connections) ||
      socket.get() >= client_fd_limit_) {
    if (shed_log_.Allow(timers_.now())) {
      LOG(WARNING) << "turned a client away: " << connections_.size() << " connections"
                   << shed_log_.Swallowed();
    }
    Bump(slot_.shed_connections);
    return;  // closed at once
  }
  auto made = std::make_unique<Connection>(std::move(socket), connections_.NextToken(),
                                           &listeners_[listener], &io_);
  if (!made->Start().ok()) {
    Bump(slot_.shed_connections);
    return;
  }
  Bump(slot_.accepted);
  Connection* const connection = connections_.Add(std::move(made));
  if (io_.draining) connection->Drain();
}

void IoLoop::OnAnswer(Exchange* exchange, const Answer& answer) {
  exchange->connection->OnAnswer(exchange, answer);
}

BacklogLane** IoLoop::LaneOf(Exchange* exchange) { return exchange->connection->lane(); }

void IoLoop::HandleControl() {
  proto::Command command;
  for (;;) {
    switch (control_->Receive(&command)) {
      case ControlChannel::Outcome::kEmpty:
        return;
      case ControlChannel::Outcome::kMalformed:
        continue;
      case ControlChannel::Outcome::kPeerGone:
        LOG(ERROR) << "the master is gone: stopping";
        master_gone_ = true;
        return StopNow();
      case ControlChannel::Outcome::kMessage:
        break;
    }
    switch (command.what_case()) {
      case proto::Command::kDrain:
        BeginDrain(Instant{static_cast<int64_t>(command.drain().deadline_ns())});
        break;
      case proto::Command::kJobLost:
        dispatcher_.OnJobLost(JobId::FromWord(command.job_lost().id()), command.job_lost().cause());
        break;
      case proto::Command::kFence:
        dispatcher_.OnFenceRequested(command.fence().cause());
        break;
      case proto::Command::WHAT_NOT_SET:
        break;
    }
  }
}

void IoLoop::BeginDrain(Instant deadline) {
  timers_.Arm(&drain_timer_, deadline);
  if (io_.draining) return;
  io_.draining = true;
  // Clients that wait in the accept queue were promised an answer by the kernel's handshake.
  acceptor_.StopAndDrain(
      [this](OwnedFd socket, uint32_t listener) { TakeClient(std::move(socket), listener); });
  connections_.ForEach([](Connection* connection) { connection->Drain(); });
}

void IoLoop::OnTimer(Timer* timer, Instant) {
  if (timer == &trim_timer_) return dispatcher_.results().Trim();
  LOG(WARNING) << "time is up: closing " << connections_.size() << " connections";
  StopNow();
}

void IoLoop::StopNow() {
  io_.draining = true;
  dispatcher_.AnswerAll(ErrorCode::kUnavailable, "the server is shutting down");
  connections_.ForEach([](Connection* connection) { connection->CloseNow(); });
}

}  // namespace windlass
