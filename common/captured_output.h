#ifndef WINDLASS_COMMON_CAPTURED_OUTPUT_H_
#define WINDLASS_COMMON_CAPTURED_OUTPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/clock.h"
#include "common/log_limit.h"
#include "common/posix.h"
#include "windlass/owned_fd.h"

// What handlers print to standard output and error. It goes into a memory file of fixed size, which
// the pool process logs after the job that printed it, and the master, who holds the same file,
// when the process has died. So a line is always said to be of the right job, a handler never waits
// for whoever reads, and what it can print is bounded: past the end, writing fails with EPERM.

namespace windlass {

constexpr size_t kCapturedBytes = 64 << 10;  // of one job

// The file. Its size is sealed.
absl::StatusOr<OwnedFd> CreateCapturedOutput();

// What has been printed and not taken yet, for whoever did not print it. Reads only.
std::string ReadCapturedOutput(int fd);

// Calls `log` for each line of `text`: without control characters, and of at most 1 KiB; after
// kLoggedLines of them only how many more there are.
constexpr int kLoggedLines = 100;
void ForEachPrintedLine(absl::string_view text, absl::FunctionRef<void(absl::string_view)> log);

// How many lines of output a process may log.
constexpr LogRate kOutputRate = {.burst = 500, .per_second = 50};

// Logs `text` line by line, as "output of WHOSE: LINE", as far as `limit` allows.
void LogPrinted(absl::string_view whose, absl::string_view text, LogLimit* limit, Instant now);

// Role: captures this process's standard output and error. Pool processes. Owns the mapping, not
// the file, which handlers may close or seek: then what is there is taken as far as it is not NUL.
// Blocking: never. Cost where nothing was printed: two loads.
class OutputCapture {
 public:
  // Redirects both descriptors to `file`, which stays open. Log lines of ours must go elsewhere
  // before.
  static absl::StatusOr<OutputCapture> Begin(int file);

  // Whether nothing seems to be printed, without a system call; what begins with NUL bytes is only
  // seen by Take.
  bool empty() const;
  // What was printed since the last call; "" mostly.
  std::string Take();

 private:
  OutputCapture(int file, Mapping mapping) : file_(file), mapping_(std::move(mapping)) {}

  int file_;  // borrowed
  Mapping mapping_;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_CAPTURED_OUTPUT_H_
