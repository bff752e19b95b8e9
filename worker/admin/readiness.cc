#include "worker/admin/readiness.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/config.h"
#include "common/report/printable_text.h"

namespace windlass {
namespace {

// `pool`: "" of any, or none.
bool HasServing(const proto::StatusReport& report, absl::string_view role,
                absl::string_view pool = "") {
  return std::any_of(report.processes().begin(), report.processes().end(),
                     [&](const proto::StatusReport::Process& process) {
                       return process.role() == role && process.state() == "serving" &&
                              process.generation() == report.generation() &&
                              (pool.empty() || process.pool() == pool);
                     });
}

bool HasFailed(const proto::StatusReport& report, absl::string_view role) {
  return std::find(report.failed_roles().begin(), report.failed_roles().end(), role) !=
         report.failed_roles().end();
}

}  // namespace

Readiness ReadinessOf(const proto::StatusReport& report) {
  if (report.state() == "starting") return {false, "the server is starting"};
  if (report.state() == "draining" || report.state() == "ending") {
    return {false, "the server is stopping"};
  }
  if (!HasServing(report, "worker")) {
    return {false, absl::StrCat("no worker is ready",
                                HasFailed(report, "worker") ? ": none can be started" : "")};
  }
  for (const proto::StatusReport::Pool& pool : report.pools()) {
    if (HasServing(report, "pool", pool.name())) continue;
    const bool is_default = pool.name() == kDefaultPool;
    const bool has_failed =
        HasFailed(report, is_default ? "pool" : absl::StrCat("pool.", pool.name()));
    // The others go on without one that is being replaced.
    if (!is_default && !has_failed) continue;
    return {false,
            absl::StrCat("no pool process",
                         is_default ? "" : absl::StrCat(" of pool ", PrintableLine(pool.name())),
                         " is ready", has_failed ? ": none can be started" : "")};
  }
  return {true, "ready"};
}

}  // namespace windlass
