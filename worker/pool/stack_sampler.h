#ifndef WINDLASS_WORKER_POOL_STACK_SAMPLER_H_
#define WINDLASS_WORKER_POOL_STACK_SAMPLER_H_

#include "absl/status/status.h"
#include "common/scoreboard.h"

namespace windlass {

// Pool processes write their own call stack to their slot: when the master asks by
// StackSampleSignal(), and when they crash, before they die of it as they would have otherwise.
// Of the stack only what is the handler's (call_handler.h). Nobody needs the right to trace them
// for that. The handlers run on a stack of their own, so that an overflow of the other one is seen,
// too; they allocate nothing and take no lock.

// Finds and loads what unwinding needs, once, before there are jobs; in the zygote.
void PrimeUnwinding();

// From now on; `slot` must stay for ever. Signals that somebody else handles already (a sanitizer)
// stay theirs. Undoes what a handler's Preload may have blocked of them.
absl::Status InstallStackSampler(ProcessSlot* slot);

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_STACK_SAMPLER_H_
