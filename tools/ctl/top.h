#ifndef WINDLASS_TOOLS_CTL_TOP_H_
#define WINDLASS_TOOLS_CTL_TOP_H_

#include "absl/status/status.h"
#include "tools/ctl/ctl_options.h"

namespace windlass {

// `windlassctl top`: until the operator ends it by a key, SIGINT, SIGTERM or the end of the
// terminal, all of which are OK. A server that is gone, or silent, is asked again every second.
// FailedPrecondition: there is no terminal to draw on.
absl::Status RunTop(const CtlOptions& options);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_TOP_H_
