#ifndef WINDLASS_WORKER_ADMIN_DASHBOARD_H_
#define WINDLASS_WORKER_ADMIN_DASHBOARD_H_

#include "absl/strings/string_view.h"

// The page of worker/admin/dashboard, compiled into the program by embed.cmake there.

namespace windlass {

absl::string_view DashboardPage();
// What a browser must know before it shows it, as lines that end with CRLF: that nothing runs on it
// but its own scripts, told by their hashes, and that it talks to nobody but us.
absl::string_view DashboardHeaders();

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_DASHBOARD_H_
