#ifndef WINDLASS_MASTER_MASTER_LOOP_H_
#define WINDLASS_MASTER_MASTER_LOOP_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/selector.h"
#include "common/timer_wheel.h"
#include "master/control_server.h"
#include "master/operator.h"
#include "master/pid_file.h"
#include "master/service.h"
#include "master/service_manager.h"
#include "master/upgrader.h"

namespace windlass {

// What signals ask the master for. Recorded by a signalfd, acted on in the loop; nothing runs in a
// handler.
enum class MasterRequest : uint8_t {
  kReload,
  kDrain,
  kStopFast,
  kStopNow,
  kReopenLogs,
  kUpgrade,
  kOneWorkerMore,
  kOneWorkerLess,
  kReapChildren,
  kNone
};
// Pure. `code` is si_code; `int_signals`: how many SIGINT came before this signal.
MasterRequest RequestFor(int signal, int code, int int_signals);

// Blocks the signals that the master reads from a signalfd. Call before the first fork.
sigset_t BlockMasterSignals();

// Role: the master's event loop: signals, children's ends and reports, timers; hands each to the
// service. Blocking: in the selector only, and never without a deadline while anything is due.
class MasterLoop : public MasterCommands, public UpgradeHost {
 public:
  static absl::StatusOr<std::unique_ptr<MasterLoop>> Create(const sigset_t& signals);

  Selector* selector() { return selector_.get(); }
  TimerWheel* timers() { return &timers_; }
  // Runs `service`, which has been started, to its end; 0 after an orderly stop, 1 when it could
  // not start.
  struct Parts {
    Service* service;
    Operator* op;
    ControlServer* control;
    Upgrader* upgrader;
    ServiceManager* manager;
    const SpawnSettings* settings;
  };
  // `client`: how to call `windlass` in one line to try, printed once it serves; "" = no line.
  int Run(const Parts& parts, const std::string& client);

  void Drain() override;
  void StopFast() override;
  void Upgrade(const Errand& errand) override;
  absl::StatusOr<proto::UpgradeState> DescribeForUpgrade() override;
  void OnUpgradeFailed(const std::string& why) override;

 private:
  MasterLoop(std::unique_ptr<Selector> selector, OwnedFd signal_fd);
  void Turn();
  void HandleSignals();
  void Obey(MasterRequest request, const Asker& asker);
  void ReapChildren();
  void KeepPidFile();

  const std::unique_ptr<Selector> selector_;
  const OwnedFd signal_fd_;
  TimerWheel timers_;
  // While running.
  Parts parts_ = {};
  Service* service_ = nullptr;  // of the parts
  Errand wants_upgrade_;
  PidFile pid_file_;
  std::string pid_path_;  // that was tried
  int int_signals_ = 0;
  bool stop_now_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_MASTER_LOOP_H_
