#ifndef WINDLASS_COMMON_POOL_MARK_H_
#define WINDLASS_COMMON_POOL_MARK_H_

#include "absl/status/status.h"

// What tells a pool process, and whatever it forks, from an operator who has the same user: a hard
// limit of no file locks (RLIMIT_LOCKS, which has had no other effect since Linux 2.4.25). It is
// inherited over fork and exec, and without CAP_SYS_RESOURCE nobody can raise it: getrlimit(2).

namespace windlass {

// For the rest of this process's life and its children's. Blocking: never.
absl::Status MarkAsPoolProcess();

// Whether the process that connected this unix socket bears the mark, as this process does not; or
// is gone, so that nobody can tell. Blocking: never.
bool ComesFromPoolProcess(int socket);

}  // namespace windlass

#endif  // WINDLASS_COMMON_POOL_MARK_H_
