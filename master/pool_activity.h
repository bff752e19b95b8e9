#ifndef WINDLASS_MASTER_POOL_ACTIVITY_H_
#define WINDLASS_MASTER_POOL_ACTIVITY_H_

#include <cstdint>

#include "common/clock.h"
#include "common/scoreboard.h"

namespace windlass {

// What one pool of one generation has to do, as the scoreboard says; a moment's picture, of words
// that are not read at one time.
struct PoolActivity {
  uint32_t running = 0;  // jobs, in processes that take more
  uint64_t waiting = 0;  // jobs, in workers and in the kernel's queue
  uint64_t done = 0;     // jobs, by these processes and those that had their slots before
  // Of which processes these are: another number when one has come or gone, and `done` with it.
  uint64_t members = 0;
  // Since when the next job of any worker has been waiting there; Never: none is.
  Instant oldest = Instant::Never();
};

PoolActivity LookAtPool(const Scoreboard& board, uint32_t generation, uint32_t bay, uint32_t pool);

}  // namespace windlass

#endif  // WINDLASS_MASTER_POOL_ACTIVITY_H_
