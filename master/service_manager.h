#ifndef WINDLASS_MASTER_SERVICE_MANAGER_H_
#define WINDLASS_MASTER_SERVICE_MANAGER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/timer_wheel.h"
#include "master/service_report.h"

namespace windlass {

// Tells a waiting service manager, if there is one, why the start ends. REQUIRES: nothing; for
// failures before there is a loop, such as a wrong configuration.
void ReportFailedStart(absl::string_view why);

// For children: what a service manager told the master by the environment is not for them.
void ForgetServiceManager();

// Role: the master's side of sd_notify(3), the protocol of units with Type=notify: tells systemd
// (or a container engine that speaks it) what becomes of the service, and feeds the watchdog from
// the master's loop, so that a master that hangs is noticed. Without NOTIFY_SOCKET it does nothing.
// Over a binary upgrade the next one goes on: the environment stays, and so does the pid.
// Blocking: never. Errors: what the service manager does not take is told again at the next turn.
class ServiceManager : public TimerOwner {
 public:
  explicit ServiceManager(TimerWheel* timers);

  // At the end of every turn of the loop: tells what has changed.
  void Update(const Service& service);
  void OnTimer(Timer* timer, Instant now) override;

 private:
  TimerWheel* const timers_;
  const bool listens_;                     // there is a service manager
  absl::Duration feed_every_;              // the watchdog; zero: there is none
  std::optional<ServiceReport> reported_;  // nullopt: nothing yet
  Timer watchdog_{this};
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_SERVICE_MANAGER_H_
