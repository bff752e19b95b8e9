#include "worker/admin/readiness.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace windlass {
namespace {

bool HasServing(const proto::StatusReport& report, absl::string_view role) {
  return std::any_of(report.processes().begin(), report.processes().end(),
                     [&](const proto::StatusReport::Process& process) {
                       return process.role() == role && process.state() == "serving" &&
                              process.generation() == report.generation();
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
  for (const auto& [role, name] : {std::pair("worker", "worker"), {"pool", "pool process"}}) {
    if (HasServing(report, role)) continue;
    return {false, absl::StrCat("no ", name, " is ready",
                                HasFailed(report, role) ? ": none can be started" : "")};
  }
  return {true, "ready"};
}

}  // namespace windlass
