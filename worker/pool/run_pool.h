#ifndef WINDLASS_WORKER_POOL_RUN_POOL_H_
#define WINDLASS_WORKER_POOL_RUN_POOL_H_

#include "common/process_setup.h"

namespace windlass {

// A pool process's entry: loads the handlers, then runs jobs until told to stop
// (worker/pool/job_loop.h).
int RunPool(ProcessSetup setup);

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_RUN_POOL_H_
