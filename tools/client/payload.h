#ifndef WINDLASS_TOOLS_CLIENT_PAYLOAD_H_
#define WINDLASS_TOOLS_CLIENT_PAYLOAD_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: the content of one request, whose size must be known before it is sent. A regular file is
// read piece by piece and costs no memory; standard input, pipes and kin are read whole first.
// Move-only. Blocking: as long as the file does.
class Payload {
 public:
  static Payload FromBytes(std::string bytes);
  // "-" is standard input. InvalidArgument: cannot be read, with the file's name.
  static absl::StatusOr<Payload> Open(const std::string& path);

  uint64_t size() const { return size_; }
  // Some bytes from `offset` on, at least one; valid until the next call. DataLoss: the file has
  // become shorter. REQUIRES: offset < size().
  absl::StatusOr<absl::string_view> At(uint64_t offset);

 private:
  static absl::StatusOr<Payload> ReadWhole(int fd, absl::string_view name);

  // Fixed after construction. Without `file_`, all bytes are in `buffer_`.
  uint64_t size_ = 0;
  OwnedFd file_;
  std::string name_;
  // `buffer_` holds the bytes from `buffer_start_` on.
  std::string buffer_;
  uint64_t buffer_start_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_PAYLOAD_H_
