#ifndef WINDLASS_TOOLS_CTL_CTL_COMMANDS_H_
#define WINDLASS_TOOLS_CTL_CTL_COMMANDS_H_

#include "absl/status/status.h"
#include "tools/client/exit_code.h"
#include "tools/ctl/ctl_options.h"

namespace windlass {

// Carries out one command and prints what it came to: reports and what was done on standard output,
// failures in one line on standard error (with --json: also as an object on standard output).
// Blocking: until options.timeout.
ExitCode RunCtlCommand(const CtlOptions& options);

// Prints a failure as described above and gives its exit code (exit_code.h). kErrorAnswer is "the
// server refused or failed", kConnection "it is unreachable".
ExitCode ReportCtlFailure(const absl::Status& failure, bool json);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_CTL_COMMANDS_H_
