#ifndef WINDLASS_COMMON_REPORT_STATUS_JSON_H_
#define WINDLASS_COMMON_REPORT_STATUS_JSON_H_

#include <string>

#include "proto/ctl.pb.h"

namespace windlass {

// A report as one JSON object with a newline. Scripts depend on the names of its keys. Pure.
std::string StatusJson(const proto::StatusReport& report);

}  // namespace windlass

#endif  // WINDLASS_COMMON_REPORT_STATUS_JSON_H_
