#include "common/log_file.h"

#include <errno.h>
#include <fcntl.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace windlass {

absl::StatusOr<OwnedFd> OpenLogFile(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  OwnedFd fd(::open(path.c_str(), kFlags, 0640));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, absl::StrCat("log file ", path));
  return fd;
}

}  // namespace windlass
