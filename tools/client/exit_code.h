#ifndef WINDLASS_TOOLS_CLIENT_EXIT_CODE_H_
#define WINDLASS_TOOLS_CLIENT_EXIT_CODE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace windlass {

// How the client programs end. Scripts depend on these numbers.
enum class ExitCode : int {
  kOk = 0,
  kErrorAnswer = 1,  // the server answered an error, or something that is no answer
  kUsage = 2,        // the command line, or a file that it names
  kConnection = 3,   // no connection, or it ended too early
  kTimeout = 4,
};

// A failure of one of our programs travels as a Status with one of these codes: InvalidArgument =
// kUsage, Unavailable = kConnection, DeadlineExceeded = kTimeout, everything else = kErrorAnswer.
ExitCode ExitCodeFor(const absl::Status& status);

// The failure's name in --json output: "usage", "connection", "timeout", "bad_answer".
absl::string_view FailureName(const absl::Status& status);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_EXIT_CODE_H_
