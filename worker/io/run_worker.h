#ifndef WINDLASS_WORKER_IO_RUN_WORKER_H_
#define WINDLASS_WORKER_IO_RUN_WORKER_H_

#include "common/process_setup.h"

namespace windlass {

// A worker's entry: sets up its loop (worker/io/io_loop.h), tells the master that it is ready, and
// runs it.
int RunWorker(ProcessSetup setup);

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_RUN_WORKER_H_
