#include "master/quarantine_report.h"

namespace windlass {

proto::QuarantineReport MakeQuarantineReport(const Quarantine& quarantine, Instant now) {
  proto::QuarantineReport report;
  for (const Poison& poison : quarantine.entries()) {
    if (poison.expires <= now) continue;
    proto::QuarantineReport::Entry& entry = *report.add_entries();
    entry.set_id(ShortName(poison.fingerprint));
    entry.set_handler(poison.handler);
    entry.set_bytes(poison.bytes);
    entry.set_crashes(poison.crashes);
    entry.set_last_unix_ms(absl::ToUnixMillis(poison.last_crash));
    entry.set_expires_ms(absl::ToInt64Milliseconds(poison.expires - now));
  }
  return report;
}

}  // namespace windlass
