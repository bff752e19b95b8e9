#ifndef WINDLASS_TOOLS_CLIENT_MULTI_H_
#define WINDLASS_TOOLS_CLIENT_MULTI_H_

#include "absl/status/statusor.h"
#include "tools/client/client_options.h"
#include "tools/client/exit_code.h"

namespace windlass {

// `windlass multi`: options.connections connections to an echo listener at once, from one selector
// loop. Each sends all messages, one after the other, and closes when every byte has come back.
// Prints each step as it happens and a summary; with --json, one object instead. One connection's
// failure does not stop the others. Errors: the worst that happened to any of them, with counts:
// Unavailable, DeadlineExceeded, DataLoss (wrong bytes). Blocking: until all are done, or
// options.timeout.
absl::StatusOr<ExitCode> RunMulti(const ClientOptions& options);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_MULTI_H_
