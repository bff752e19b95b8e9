// The part of common/posix.h that opens, reads and writes files.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr int kBeneathFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

absl::Status Failed(absl::string_view what) { return absl::ErrnoToStatus(errno, what); }

}  // namespace

absl::StatusOr<OwnedFd> OpenReadOnly(const std::string& path) {
  OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Failed(path);
  return fd;
}

absl::StatusOr<OwnedFd> OpenDirectory(const std::string& path) {
  OwnedFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return Failed(path);
  return fd;
}

absl::StatusOr<OwnedFd> OpenBeneathStepByStep(int directory, const std::string& name) {
  if (name.empty() || name[0] == '/') return absl::ErrnoToStatus(EXDEV, name);
  OwnedFd below;
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    const std::string step = name.substr(at, end - at);
    if (step == "..") return absl::ErrnoToStatus(EXDEV, name);
    const bool is_last = end == name.size();
    at = end + 1;
    if (step.empty() && !is_last) continue;  // "a//b"
    const int flags =
        is_last ? kBeneathFlags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    OwnedFd next(::openat(below.valid() ? below.get() : directory,
                          step.empty() ? "." : step.c_str(), flags));
    if (!next.valid()) return Failed(name);
    below = std::move(next);
  }
  return below;
}

absl::StatusOr<OwnedFd> OpenBeneath(int directory, const std::string& name) {
  open_how how = {};
  how.flags = kBeneathFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  OwnedFd fd(static_cast<int>(::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof(how))));
  if (!fd.valid() && (errno == ENOSYS || errno == EPERM)) {
    return OpenBeneathStepByStep(directory, name);
  }
  if (!fd.valid()) return Failed(name);
  return fd;
}

absl::StatusOr<size_t> ReadFd(int fd, char* into, size_t capacity) {
  for (;;) {
    const ssize_t n = ::read(fd, into, capacity);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno != EINTR) return Failed(absl::StrCat("read fd ", fd));
  }
}

absl::StatusOr<size_t> PReadFd(int fd, char* into, size_t capacity, uint64_t offset) {
  for (;;) {
    const ssize_t n = ::pread(fd, into, capacity, static_cast<off_t>(offset));
    if (n >= 0) return static_cast<size_t>(n);
    if (errno != EINTR) return Failed(absl::StrCat("read fd ", fd));
  }
}

void AppendOnly(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0) ::fcntl(fd, F_SETFL, flags | O_APPEND);
}

absl::Status PWriteAll(int fd, absl::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t n = ::pwrite(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (n > 0) at += static_cast<size_t>(n);
    if (n < 0 && errno != EINTR) return Failed(absl::StrCat("write fd ", fd));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadLink(const std::string& path) {
  char buffer[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), buffer, sizeof(buffer));
  if (size < 0) return Failed(path);
  return std::string(buffer, static_cast<size_t>(size));
}

absl::StatusOr<std::vector<int>> ListNumbers(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(directory.c_str()), &::closedir);
  if (folder == nullptr) return Failed(directory);
  std::vector<int> numbers;
  while (const dirent* const entry = ::readdir(folder.get())) {
    int number = 0;
    if (absl::SimpleAtoi(entry->d_name, &number)) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

absl::Status FillRandom(absl::Span<char> into) {
  for (;;) {
    const ssize_t n = ::getrandom(into.data(), into.size(), 0);
    if (n == static_cast<ssize_t>(into.size())) return absl::OkStatus();
    if (n >= 0) return absl::InternalError("getrandom: not all came");
    if (errno != EINTR) return Failed("getrandom");
  }
}

}  // namespace windlass
