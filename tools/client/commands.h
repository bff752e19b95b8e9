#ifndef WINDLASS_TOOLS_CLIENT_COMMANDS_H_
#define WINDLASS_TOOLS_CLIENT_COMMANDS_H_

#include <string>

#include "absl/status/status.h"
#include "tools/client/client_options.h"
#include "tools/client/exit_code.h"

namespace windlass {

// Carries out one command and prints its result: answers on standard output, failures in one line
// on standard error (with
// --json: also as an object on standard output). Blocking: until options.timeout.
ExitCode RunClientCommand(const ClientOptions& options);

// Appends `, "error": {"code": ..., "message": ...}`.
void AppendJsonFailure(const absl::Status& failure, std::string* out);

// Prints a failure as described above and gives its exit code.
ExitCode ReportFailure(const absl::Status& failure, bool json);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_COMMANDS_H_
