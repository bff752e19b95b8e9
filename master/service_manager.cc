#include "master/service_manager.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {
namespace {

// Not sd_notify(3), which waits while the queue of a service manager that does not read is full:
// ten messages by default. The master waits for nobody.
bool Notify(const std::string& assignments) {
  const char* const socket = ::getenv("NOTIFY_SOCKET");
  return socket != nullptr && SendToUnix(socket, assignments);
}

// Half of what systemd allows, as sd_watchdog_enabled(3) recommends.
absl::Duration WatchdogPeriod() {
  uint64_t allowed_us = 0;
  if (::sd_watchdog_enabled(/*unset_environment=*/0, &allowed_us) <= 0) return absl::ZeroDuration();
  return absl::Microseconds(static_cast<int64_t>(allowed_us / 2));
}

}  // namespace

void ReportFailedStart(absl::string_view why) {
  (void)Notify(StatusAssignment(absl::StrCat("cannot start: ", why)));
}

void ForgetServiceManager() {
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID",
                           "LISTEN_FDS", "LISTEN_FDNAMES"}) {
    ::unsetenv(name);
  }
}

ServiceManager::ServiceManager(TimerWheel* timers)
    : timers_(timers),
      listens_(::getenv("NOTIFY_SOCKET") != nullptr),
      feed_every_(WatchdogPeriod()) {
  if (feed_every_ > absl::ZeroDuration()) OnTimer(&watchdog_, timers_->now());
}

void ServiceManager::Update(const Service& service) {
  if (!listens_) return;
  ServiceReport report = MakeServiceReport(service);
  const std::string news = NotificationFor(reported_, report, timers_->now());
  if (!news.empty() && !Notify(news)) return;  // the next turn tries again
  reported_ = std::move(report);
}

void ServiceManager::OnTimer(Timer*, Instant now) {
  (void)Notify("WATCHDOG=1");
  timers_->Arm(&watchdog_, now + feed_every_);
}

}  // namespace windlass
