#include "worker/io/acceptor.h"

#include <algorithm>

#include "common/log.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr int kAcceptsPerTurn = 4;
constexpr absl::Duration kLookAgain = absl::Milliseconds(10);
constexpr absl::Duration kExhaustedPause = absl::Milliseconds(100);

SelectorToken TokenFor(size_t index) { return SelectorToken{Acceptor::kTokenKind << 56 | index}; }

absl::StatusOr<OwnedFd> ReserveFd() { return OpenReadOnly("/dev/null"); }

}  // namespace

Acceptor::Acceptor(const ProcessSetup& setup, Selector* selector, TimerWheel* timers)
    : setup_(setup), selector_(selector), timers_(timers), rearm_(this) {
  if (absl::StatusOr<OwnedFd> reserve = ReserveFd(); reserve.ok()) reserve_ = *std::move(reserve);
}

Acceptor::~Acceptor() { Disarm(); }

void Acceptor::Arm() {
  if (armed_) return;
  armed_ = true;
  for (size_t i = 0; i < setup_.listeners.size(); ++i) {
    const absl::Status watched =
        selector_->Register(setup_.listeners[i].fd, kReadable | kExclusive, TokenFor(i));
    CHECK(watched.ok()) << watched.ToString();
  }
}

void Acceptor::Disarm() {
  if (!armed_) return;
  armed_ = false;
  for (const ListenSocket& listener : setup_.listeners) selector_->Unregister(listener.fd);
}

void Acceptor::BeforeWait(uint32_t own_connections) {
  if (stopped_) return;
  const Scoreboard& board = *setup_.scoreboard;
  const SlotRange siblings = SiblingWorkers(setup_);
  uint64_t total = own_connections;
  uint32_t live = 1;
  for (uint32_t i = siblings.first; i < siblings.end; ++i) {
    const ProcessSlot& slot = board.slot(SlotIndex{i});
    if (i == setup_.slot.value) continue;
    if (slot.state.load(std::memory_order_relaxed) != ProcessState::kServing) continue;
    total += slot.connections.load(std::memory_order_relaxed);
    ++live;
  }
  const bool has_room =
      own_connections < static_cast<uint32_t>(setup_.config->workers.max_connections);
  const bool may = MayAccept(own_connections, total, live) || look_anyway_;
  if (timers_->now() >= exhausted_until_ && has_room && may) return Arm();
  Disarm();
  if (!rearm_.armed()) timers_->Arm(&rearm_, timers_->now() + kLookAgain);
}

// The siblings may be stopped or stuck: whatever the mean, clients that wait are taken, if slowly.
void Acceptor::OnTimer(Timer*, Instant) { look_anyway_ = true; }

void Acceptor::OnReady(SelectorToken token, absl::FunctionRef<void(OwnedFd, uint32_t)> take) {
  const size_t index = token.value & 0xffffffff;
  if (index >= setup_.listeners.size()) return;
  const ListenSocket& listener = setup_.listeners[index];
  const int most = std::exchange(look_anyway_, false) ? 1 : kAcceptsPerTurn;
  for (int i = 0; i < most; ++i) {
    OwnedFd client;
    switch (AcceptSome(listener.fd, &client)) {
      case AcceptOutcome::kAccepted:
        take(std::move(client), static_cast<uint32_t>(index));
        break;
      case AcceptOutcome::kAborted:
        break;
      case AcceptOutcome::kWouldBlock:
        return;
      case AcceptOutcome::kExhausted:
        return Shed(listener.fd);
    }
  }
}

void Acceptor::Shed(int listener) {
  exhausted_until_ = timers_->now() + kExhaustedPause;
  reserve_.Reset();
  OwnedFd client;
  if (AcceptSome(listener, &client) == AcceptOutcome::kAccepted) {
    Bump(setup_.scoreboard->MutableSlot(setup_.slot).shed_connections);
  }
  client.Reset();
  if (absl::StatusOr<OwnedFd> reserve = ReserveFd(); reserve.ok()) reserve_ = *std::move(reserve);
  LOG_LIMITED(WARNING, exhausted_log_, timers_->now())
      << "out of file descriptors: new clients wait or are turned away";
}

void Acceptor::StopAndDrain(absl::Span<const uint32_t> kept,
                            absl::FunctionRef<void(OwnedFd, uint32_t)> take) {
  Disarm();
  stopped_ = true;
  rearm_.Disarm();
  for (uint32_t i = 0; i < setup_.listeners.size(); ++i) {
    const bool others_go_on = std::find(kept.begin(), kept.end(), i) != kept.end();
    while (!others_go_on) {
      OwnedFd client;
      const AcceptOutcome outcome = AcceptSome(setup_.listeners[i].fd, &client);
      if (outcome == AcceptOutcome::kAccepted) take(std::move(client), i);
      if (outcome == AcceptOutcome::kWouldBlock || outcome == AcceptOutcome::kExhausted) break;
    }
    OwnedFd(setup_.listeners[i].fd).Reset();  // nobody shall wait in a queue that is not served
  }
}

}  // namespace windlass
