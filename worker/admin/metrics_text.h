#ifndef WINDLASS_WORKER_ADMIN_METRICS_TEXT_H_
#define WINDLASS_WORKER_ADMIN_METRICS_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/scoreboard.h"
#include "proto/ctl.pb.h"
#include "worker/admin/metrics_writer.h"

namespace windlass {

// The format that a scraper wants, by its `Accept`.
MetricsFormat MetricsFormatFor(absl::string_view accept);
absl::string_view MetricsContentType(MetricsFormat format);

// Appends all metrics of the server: what its workers count in the scoreboard, and what the master
// says in `status`. Both may hold nonsense; what is written can be read all the same, and is
// bounded by the size of the scoreboard. Blocking: never.
void AppendMetrics(const Scoreboard& board, const proto::StatusReport& status, MetricsFormat format,
                   std::string* out);

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_METRICS_TEXT_H_
