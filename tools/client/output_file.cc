#include "tools/client/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

absl::Status FailedAt(const std::string& path) {
  return absl::AbortedError(absl::StrCat(path, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<OutputFile> OutputFile::Create(const std::string& path) {
  struct stat there = {};
  const bool exists = ::stat(path.c_str(), &there) == 0;
  if (exists && !S_ISREG(there.st_mode)) {
    OwnedFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd.valid()) return FailedAt(path);
    return OutputFile(path, "", std::move(fd));
  }
  // Where a symbolic link leads to, not the link.
  std::string place = path;
  if (char* const real = exists ? ::realpath(path.c_str(), nullptr) : nullptr; real != nullptr) {
    place = real;
    std::free(real);
  }
  std::string temporary = place + ".XXXXXX";
  OwnedFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return FailedAt(path);
  // As the one before, or as any other new file; mkostemp made it for its owner only.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(fd.get(), exists ? there.st_mode & 07777 : 0666 & ~mask);
  return OutputFile(std::move(place), std::move(temporary), std::move(fd));
}

OutputFile::~OutputFile() {
  if (fd_.valid() && !temporary_.empty()) ::unlink(temporary_.c_str());
}

absl::Status OutputFile::Failed() const { return FailedAt(path_); }

absl::Status OutputFile::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed();
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (!temporary_.empty() && std::rename(temporary_.c_str(), path_.c_str()) != 0) return Failed();
  fd_.Reset();
  return absl::OkStatus();
}

}  // namespace windlass
