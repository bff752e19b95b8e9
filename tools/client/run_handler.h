#ifndef WINDLASS_TOOLS_CLIENT_RUN_HANDLER_H_
#define WINDLASS_TOOLS_CLIENT_RUN_HANDLER_H_

#include "absl/status/statusor.h"
#include "tools/client/client_options.h"
#include "tools/client/exit_code.h"

namespace windlass {

// `windlass run`: loads one handler, runs it on one payload in this very process, and prints the
// content of the answer. No server, no other process or thread and no signal handler, for debuggers
// and sanitizers. What the handler prints goes to standard error, and so does an error answer, as
// CODE: MESSAGE. Blocking: as long as the handler does. InvalidArgument: the handler cannot be
// loaded with these options, or the payload cannot be read.
absl::StatusOr<ExitCode> RunHandler(const ClientOptions& options);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_RUN_HANDLER_H_
