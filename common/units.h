#ifndef WINDLASS_COMMON_UNITS_H_
#define WINDLASS_COMMON_UNITS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Durations and sizes as people write them, in configuration and on command lines.
// Errors: InvalidArgument says what was written and what is expected. Blocking: never.

namespace windlass {

// "500ms", "30s", "5m", "1h30m", "0". Units: ns, us, ms, s, m, h. Never negative, never infinite.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);
// The reverse: finite durations come out as ParseDuration reads them. A using-declaration, because
// a function of our own would be ambiguous with Abseil's, which argument-dependent lookup finds.
using absl::FormatDuration;

// "1000", "64KiB", "10MB". Units: B, KiB, MiB, GiB, TiB (powers of 1024), kB, MB, GB, TB (powers of
// 1000; KB is kB).
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);
// Exact, in the largest power-of-1024 unit that divides it: "64KiB", "1000". ParseSize reads it
// back as the same size.
std::string FormatSize(uint64_t bytes);

}  // namespace windlass

#endif  // WINDLASS_COMMON_UNITS_H_
