#ifndef WINDLASS_WORKER_POOL_RUN_POOL_H_
#define WINDLASS_WORKER_POOL_RUN_POOL_H_

#include <optional>

#include "absl/status/status.h"
#include "common/captured_output.h"
#include "common/process_setup.h"
#include "worker/handlers/handler_set.h"
#include "worker/pool/sandbox.h"

namespace windlass {

// What a pool process does, from the moment a zygote has cloned it: waits until the master knows
// it, starts the handlers, then runs jobs until told to stop (worker/pool/job_loop.h).
int RunPool(ProcessSetup setup, HandlerSet handlers, const Sandbox& sandbox);

// Captures what this process prints in `file`; log lines go on where they went. -1: does nothing.
absl::Status CaptureOutput(int file, std::optional<OutputCapture>* output);

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_RUN_POOL_H_
