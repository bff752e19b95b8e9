#ifndef WINDLASS_MASTER_SERVICE_REPORT_H_
#define WINDLASS_MASTER_SERVICE_REPORT_H_

#include <optional>
#include <string>

#include "common/clock.h"
#include "master/service.h"

namespace windlass {

// What a service manager is told of the service: in which phase it is, what is going on, and by
// when the phase is over at the latest.
struct ServiceReport {
  enum class Phase : uint8_t { kStarting, kServing, kReloading, kStopping };
  Phase phase = Phase::kStarting;
  std::string status;                   // one line
  Instant deadline = Instant::Never();  // of phases that end by themselves

  friend bool operator==(const ServiceReport&, const ServiceReport&) = default;
};

// REQUIRES: the service has been started.
ServiceReport MakeServiceReport(const Service& service);

// Pure. The assignments of sd_notify(3) that tell what has changed since `before` (nullopt: nothing
// was told yet); "" when nothing has.
std::string NotificationFor(const std::optional<ServiceReport>& before, const ServiceReport& report,
                            Instant now);

// Pure. STATUS= with `text` on one line, cut to what fits into a notification.
std::string StatusAssignment(absl::string_view text);

}  // namespace windlass

#endif  // WINDLASS_MASTER_SERVICE_REPORT_H_
