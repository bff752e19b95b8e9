#ifndef WINDLASS_WORKER_IO_ACCEPTOR_H_
#define WINDLASS_WORKER_IO_ACCEPTOR_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "common/log_limit.h"
#include "common/process_setup.h"
#include "common/selector.h"
#include "common/timer_wheel.h"

namespace windlass {

// Pure. May a worker with `own` connections take more, when all `workers` have `total` together?
// Well over the mean it leaves the next ones to its siblings; the slack keeps small numbers from
// mattering.
constexpr bool MayAccept(uint32_t own, uint64_t total, uint32_t workers) {
  constexpr uint32_t kSlack = 4;
  return workers < 2 || own <= total / workers + total / workers / 8 + kSlack;
}

// Role: takes clients from the listening sockets that all workers share. Worker processes. Borrows
// the sockets. A listener is watched (armed) or not; that changes only before the loop waits, never
// after a wake-up, because a woken worker that declines would strand the connection: whoever is
// woken accepts at least one. Few are accepted at a time, so that siblings get their share, and a
// worker well over the mean disarms until it is not. Out of descriptors: a reserve descriptor is
// given up to accept and close one waiting client (it sees the end of the stream instead of
// silence), and the listener is disarmed for a moment. Blocking: never.
class Acceptor : public TimerOwner {
 public:
  static constexpr uint64_t kTokenKind = 2;

  Acceptor(const ProcessSetup& setup, Selector* selector, TimerWheel* timers);
  ~Acceptor();

  // The generation serves: clients are taken from now on.
  void Start() { stopped_ = false; }
  // Before waiting: arms or disarms by the load of all workers.
  void BeforeWait(uint32_t own_connections);
  // A listener is ready: hands at most kAcceptsPerTurn clients to `take` (socket, index of the
  // listening socket).
  void OnReady(SelectorToken token, absl::FunctionRef<void(OwnedFd, uint32_t)> take);
  // For good. Takes every client that waits on a listener, unless it is one of `kept`, where others
  // go on; then closes this process's copies of the listeners.
  void StopAndDrain(absl::Span<const uint32_t> kept,
                    absl::FunctionRef<void(OwnedFd, uint32_t)> take);
  void OnTimer(Timer* timer, Instant now) override;

 private:
  void Arm();
  void Disarm();
  void Shed(int listener);

  const ProcessSetup& setup_;  // its listeners are open until StopAndDrain
  Selector* const selector_;
  TimerWheel* const timers_;
  OwnedFd reserve_;
  bool armed_ = false;
  bool stopped_ = true;
  bool look_anyway_ = false;  // armed by the clock, not by the load
  Timer rearm_;
  Instant exhausted_until_;
  LogLimit exhausted_log_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_ACCEPTOR_H_
