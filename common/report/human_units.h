#ifndef WINDLASS_COMMON_REPORT_HUMAN_UNITS_H_
#define WINDLASS_COMMON_REPORT_HUMAN_UNITS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

// Numbers as people compare them at a glance: rounded, unlike those of common/units.h. Pure.

namespace windlass {

// "812 B", "12.3 MiB", "1.0 TiB"
std::string HumanSize(uint64_t bytes);

// Two units at most, and only the larger one from days on: "250ms", "42s", "3m12s", "2h05m", "4d".
// Rounded down. Negative: "-42s".
std::string HumanAge(absl::Duration age);

// "2026-01-31T12:00:00Z" (RFC 3339). Out of the years that it can say: "unknown".
std::string UtcTime(absl::Time time);

}  // namespace windlass

#endif  // WINDLASS_COMMON_REPORT_HUMAN_UNITS_H_
