#ifndef WINDLASS_COMMON_READ_FILE_H_
#define WINDLASS_COMMON_READ_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace windlass {

// The whole of a small file (configuration, /proc, cgroup limits). Errors: "PATH: No such file or
// directory" and kin; ResourceExhausted when it is longer than max_bytes. Blocking: as long as the
// file system takes (a FIFO: for ever).
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes = 1 << 20);

}  // namespace windlass

#endif  // WINDLASS_COMMON_READ_FILE_H_
