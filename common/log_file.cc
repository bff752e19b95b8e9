#include "common/log_file.h"

#include <errno.h>
#include <fcntl.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {

absl::StatusOr<OwnedFd> OpenLogFile(const std::string& path, absl::string_view what) {
  // What we were started with: opening it by this name fails for sockets, and needs its owner's
  // rights.
  if (path == "/dev/stdout") return Duplicate(1);
  if (path == "/dev/stderr") return Duplicate(2);
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  OwnedFd fd(::open(path.c_str(), kFlags, 0640));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", path));
  return fd;
}

}  // namespace windlass
