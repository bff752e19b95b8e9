#ifndef WINDLASS_COMMON_REPORT_LIST_JSON_H_
#define WINDLASS_COMMON_REPORT_LIST_JSON_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/report/json_writer.h"
#include "proto/ctl.pb.h"

// What there is many of, as one JSON object with a newline: a list, and what must be known about
// it. Scripts depend on the names of the keys. Pure.

namespace windlass {

std::string ConnectionsJson(const proto::ConnectionsReport& report);
std::string JobsJson(const proto::JobsReport& report);
std::string QuarantineJson(const proto::QuarantineReport& report);
std::string DeathsJson(const proto::DeathsReport& report);
// One of these as an object; status has the last ones.
void WriteDeath(absl::string_view key, const proto::DeathsReport::Death& one, JsonWriter* json);
void WriteSlow(absl::string_view key, const proto::DeathsReport::Slow& one, JsonWriter* json);

}  // namespace windlass

#endif  // WINDLASS_COMMON_REPORT_LIST_JSON_H_
