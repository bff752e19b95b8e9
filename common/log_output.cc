#include "common/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace windlass {

// The log sits below common/posix.*, which logs; so it makes its own system calls.
void LogOutput::Redirect(OwnedFd fd) {
  OwnedFd given = std::move(fd);  // closed at the end, if it was opened again
  Use(given.get());
  if (fd_ == given.get()) owned_ = std::move(given);
}

void LogOutput::Use(int fd) {
  fd_ = fd;
  is_socket_ = is_file_ = false;
  struct stat info;
  if (::fstat(fd, &info) != 0) return;
  is_socket_ = S_ISSOCK(info.st_mode);
  is_file_ = S_ISREG(info.st_mode);
  if (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode)) return;
  const std::string path = absl::StrCat("/proc/self/fd/", fd);
  OwnedFd again(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_APPEND));
  if (!again.valid()) return;
  owned_ = std::move(again);
  fd_ = owned_.get();
}

size_t LogOutput::Write(absl::string_view bytes) {
  for (;;) {
    const ssize_t n = is_socket_
                          ? ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                          : ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    return n < 0 ? 0 : static_cast<size_t>(n);
  }
}

}  // namespace windlass
