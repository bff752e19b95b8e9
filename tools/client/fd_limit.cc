#include "tools/client/fd_limit.h"

#include <sys/resource.h>

#include "absl/strings/str_cat.h"

namespace windlass {

absl::Status RaiseFdLimit(uint64_t connections) {
  constexpr rlim_t kOthers = 32;  // standard streams, epoll, what libraries open
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return absl::OkStatus();  // socket() will tell
  const rlim_t needed = connections + kOthers;
  if (limit.rlim_cur >= needed) return absl::OkStatus();
  if (limit.rlim_max < needed) {
    return absl::InvalidArgumentError(absl::StrCat(connections, " connections need ", needed,
                                                   " file descriptors; this process may have ",
                                                   limit.rlim_max, " (ulimit -Hn)"));
  }
  limit.rlim_cur = needed;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // within the hard limit this does not fail
  return absl::OkStatus();
}

}  // namespace windlass
