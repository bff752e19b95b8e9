#ifndef WINDLASS_MASTER_MASTER_LOOP_H_
#define WINDLASS_MASTER_MASTER_LOOP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/selector.h"
#include "common/timer_wheel.h"
#include "master/options.h"
#include "master/supervisor.h"

namespace windlass {

// What signals ask the master for. Recorded by a signalfd, acted on in the loop; nothing runs in a
// handler.
enum class MasterRequest : uint8_t { kDrain, kStopFast, kStopNow, kReapChildren, kNone };
// Pure. `code` is si_code; `int_signals`: how many SIGINT came before this signal.
MasterRequest RequestFor(int signal, int code, int int_signals);

// Blocks the signals that the master reads from a signalfd. Call before the first fork.
sigset_t BlockMasterSignals();

// Role: the master's event loop: signals, children's ends and reports, timers; hands each to the
// supervisor. Blocking: in the selector only, and never without a deadline while anything is due.
class MasterLoop {
 public:
  static absl::StatusOr<std::unique_ptr<MasterLoop>> Create(const sigset_t& signals);

  Selector* selector() { return selector_.get(); }
  TimerWheel* timers() { return &timers_; }
  // Runs `supervisor` from start to end; 0 after an orderly stop, 1 when it could not start.
  int Run(Supervisor* supervisor, const Options& options);

 private:
  MasterLoop(std::unique_ptr<Selector> selector, OwnedFd signal_fd);
  void Turn(Supervisor* supervisor);
  void HandleSignals(Supervisor* supervisor);

  const std::unique_ptr<Selector> selector_;
  const OwnedFd signal_fd_;
  TimerWheel timers_;
  int int_signals_ = 0;
  bool stop_now_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_MASTER_LOOP_H_
