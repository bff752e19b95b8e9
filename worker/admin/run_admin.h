#ifndef WINDLASS_WORKER_ADMIN_RUN_ADMIN_H_
#define WINDLASS_WORKER_ADMIN_RUN_ADMIN_H_

#include "common/process_setup.h"

namespace windlass {

// The admin process's entry: a worker's loop (worker/io/io_loop.h) whose requests Pages answers. It
// has nothing of the data plane: no job queue, no replies, no clients' listeners.
int RunAdmin(ProcessSetup setup);

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_RUN_ADMIN_H_
