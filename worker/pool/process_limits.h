#ifndef WINDLASS_WORKER_POOL_PROCESS_LIMITS_H_
#define WINDLASS_WORKER_POOL_PROCESS_LIMITS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "common/config.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: what a pool process may have of memory, descriptors, file size, tasks, core dumps and
// priority: resource limits (setrlimit(2)), which it cannot raise again. Pool processes. Owns a
// descriptor for looking at its own memory. Blocking: never. Errors: the system refuses. A hard
// limit that is lower than what was asked for stays as it is.
//
// memory_limit bounds what a process takes beyond what it had when its handlers were loaded:
// private memory (RLIMIT_DATA), and, with as much as payloads may have on top, what it maps
// (RLIMIT_AS). What is over it is not given: bad_alloc, ENOMEM. Not bounded: memory files that it
// writes to without mapping them, but for limit_fsize each. A handler's own limit is a soft one,
// which its code could raise to the pool's.
class ProcessLimits {
 public:
  // Call when handlers are loaded. `pool`: whose limits, an index into Config::pools.
  // `payload_bytes`: what the memory of its payloads may take.
  absl::Status Enter(const Config& config, uint32_t pool, uint64_t payload_bytes);
  // For the next job: its handler's own limit, 0 if it has none, as far as the pool's allows. One
  // system call when it is another one than before, none else.
  void UseMemoryLimit(uint64_t handler_limit);
  // After a job that was out of memory: whether so much of its limit has been kept that the next
  // job would be, too. Until then there is a little more, to say it.
  bool OnOutOfMemory();

 private:
  void SetSoft(uint64_t bytes) const;

  OwnedFd statm_;         // later it may not open it; invalid: nothing is limited
  uint64_t base_ = 0;     // private bytes by then
  uint64_t most_ = 0;     // beyond base_; 0: unlimited
  uint64_t current_ = 0;  // the same, now
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_PROCESS_LIMITS_H_
