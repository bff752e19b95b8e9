#ifndef WINDLASS_TOOLS_BENCH_BENCH_OPTIONS_H_
#define WINDLASS_TOOLS_BENCH_BENCH_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/config.h"

namespace windlass {

// What `windlass-bench` was asked to do.
struct BenchOptions {
  bool help = false, version = false;  // then nothing else means anything
  std::string target;                  // as it was written
  Protocol protocol = Protocol::kMessage;
  std::string address;  // its form has been checked
  uint32_t connections = 16;
  uint32_t pipeline = 1;  // open requests per connection, at most
  std::optional<absl::Duration> duration;
  std::optional<uint64_t> requests;  // at least one of the two is set
  double rate = 0;                   // requests per second, open loop; 0 = closed loop
  std::string handler;               // message; "" = not named in the request
  uint64_t size = 128;               // bytes of payload
  uint32_t burn_ms = 1;
  bool keepalive = false;  // length: the listener has keepalive = true
  bool json = false;
  absl::Duration timeout = absl::Seconds(10);  // of one answer, and of the last ones

  bool open_loop() const { return rate > 0; }
};

// Pure. `args` without the program's name. InvalidArgument: wrong usage, and says how.
absl::StatusOr<BenchOptions> ParseBenchOptions(absl::Span<const std::string> args);

absl::string_view BenchUsage();

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_BENCH_OPTIONS_H_
