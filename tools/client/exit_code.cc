#include "tools/client/exit_code.h"

#include <cstdlib>

namespace windlass {

ExitCode ExitCodeFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case absl::StatusCode::kUnavailable:
      return ExitCode::kConnection;
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kTimeout;
    default:
      return ExitCode::kErrorAnswer;
  }
}

absl::string_view FailureName(const absl::Status& status) {
  switch (ExitCodeFor(status)) {
    case ExitCode::kOk:
      return "ok";
    case ExitCode::kErrorAnswer:
      return "bad_answer";
    case ExitCode::kUsage:
      return "usage";
    case ExitCode::kConnection:
      return "connection";
    case ExitCode::kTimeout:
      return "timeout";
  }
  std::abort();  // not an enumerator: memory is corrupt
}

}  // namespace windlass
