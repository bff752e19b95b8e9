#ifndef WINDLASS_MASTER_BLAME_H_
#define WINDLASS_MASTER_BLAME_H_

#include "common/posix.h"

namespace windlass {

// Whether the job that a pool process had in its hands gets a second try, and whether its payload
// is under suspicion.
struct Blame {
  bool may_retry = false;  // a crash; whether the handler allows it is the worker's to know
  bool counts = false;     // for the quarantine
  friend bool operator==(const Blame&, const Blame&) = default;
};

// All that is known of the end of a process that had a job.
struct JobsEnd {
  ExitStatus status;
  bool killed_by_master = false;  // deadline, operator, drain...
  bool out_of_memory = false;     // killed by the kernel, for its cgroup's limit
  bool handler_had_begun = false;
};

// Pure. A crash is: a signal that a process brings on itself, an exit in the middle of a job, a
// signal from a stranger. What the master or the kernel's memory limit has ended would end the same
// way again. Only what the payload can have done itself counts against it, so no signal that only a
// stranger sends does: SIGKILL, SIGTERM and the like. One of its own kind counts whoever sent it.
Blame BlameFor(const JobsEnd& end);

}  // namespace windlass

#endif  // WINDLASS_MASTER_BLAME_H_
