#ifndef WINDLASS_MASTER_RESOLVE_WITHIN_H_
#define WINDLASS_MASTER_RESOLVE_WITHIN_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/address.h"

namespace windlass {

// What ResolveListenAddress says of `address`, but not later than after `limit`: a name server that
// does not answer must not hold up the master, whose children and whose watchdog wait for it. Names
// are looked up in a child process, which is killed then. Addresses that are no names take no
// child. Blocking: up to `limit`. DeadlineExceeded: the name did not resolve in time.
absl::StatusOr<std::vector<SocketAddress>> ResolveWithin(const ListenAddress& address,
                                                         absl::Duration limit);

}  // namespace windlass

#endif  // WINDLASS_MASTER_RESOLVE_WITHIN_H_
