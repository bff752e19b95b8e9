#include "common/read_file.h"

#include <fcntl.h>

#include <array>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "windlass/owned_fd.h"

namespace windlass {

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.valid()) return absl::ErrnoToStatus(errno, path);
  std::string content;
  std::array<char, 16384> piece;
  for (;;) {
    // Not ReadFd: its errors name the descriptor, and here only the path means something to the
    // reader.
    const ssize_t n = ::read(file.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::ErrnoToStatus(errno, path);
    if (n == 0) return content;
    content.append(piece.data(), static_cast<size_t>(n));
    if (content.size() > max_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path, ": longer than ", max_bytes, " bytes"));
    }
  }
}

}  // namespace windlass
