#ifndef WINDLASS_TOOLS_CLIENT_FD_LIMIT_H_
#define WINDLASS_TOOLS_CLIENT_FD_LIMIT_H_

#include <cstdint>

#include "absl/status/status.h"

namespace windlass {

// Makes room for `connections` sockets beside what a client program needs anyway, by raising this
// process's soft limit. InvalidArgument: the hard limit is lower. Blocking: never.
absl::Status RaiseFdLimit(uint64_t connections);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_FD_LIMIT_H_
