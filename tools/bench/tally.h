#ifndef WINDLASS_TOOLS_BENCH_TALLY_H_
#define WINDLASS_TOOLS_BENCH_TALLY_H_

#include <array>
#include <cstdint>
#include <numeric>

#include "absl/strings/string_view.h"
#include "tools/bench/latency_histogram.h"
#include "windlass/error_code.h"

namespace windlass {

// Why a request got no right answer (a wrong one is counted apart). The codes of error answers
// follow kRefused.
enum class ErrorKind : uint8_t {
  kConnect,    // a connection could not be made; no request was lost
  kClosed,     // the server closed or reset before the answer
  kTimeout,    // no answer in time
  kUnsent,     // was due, and no connection had room for it before the run had to end
  kMalformed,  // an answer that is none; its connection was given up
  kRefused,    // a status that is not in the table
};
constexpr size_t kErrorKinds = 5 + kErrorCodeCount;  // kOk's place is kRefused's

// The status of an error answer.
constexpr ErrorKind RefusedWith(absl::string_view status) {
  for (size_t code = 1; code < kErrorCodeCount; ++code) {
    if (kErrorCodeNames[code] == status) return static_cast<ErrorKind>(5 + code);
  }
  return ErrorKind::kRefused;
}

constexpr absl::string_view ErrorKindName(ErrorKind kind) {
  constexpr std::array<absl::string_view, 6> kNames = {"connect", "closed",    "timeout",
                                                       "unsent",  "malformed", "other_status"};
  const size_t index = static_cast<size_t>(kind);
  return index < kNames.size() ? kNames[index] : kErrorCodeNames[index - 5];
}

// What has happened in a run so far.
struct Tally {
  uint64_t issued = 0;  // requests given to a connection
  uint64_t right = 0;
  uint64_t mismatched = 0;
  std::array<uint64_t, kErrorKinds> errors = {};
  LatencyHistogram latency;  // of right answers
  double seconds = 0;        // set at the end

  void Count(ErrorKind kind, uint64_t times = 1) { errors[static_cast<size_t>(kind)] += times; }
  uint64_t AllErrors() const { return std::accumulate(errors.begin(), errors.end(), uint64_t{0}); }
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_TALLY_H_
