#include "tools/client/payload.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr size_t kPieceBytes = 256 << 10;  // a socket buffer takes about as much at once

}  // namespace

Payload Payload::FromBytes(std::string bytes) {
  Payload payload;
  payload.size_ = bytes.size();
  payload.buffer_ = std::move(bytes);
  return payload;
}

absl::StatusOr<Payload> Payload::Open(const std::string& path) {
  if (path == "-") return ReadWhole(STDIN_FILENO, "standard input");
  absl::StatusOr<OwnedFd> file = OpenReadOnly(path);
  if (!file.ok()) return absl::InvalidArgumentError(file.status().message());
  const absl::StatusOr<FileIdentity> identity = IdentifyFile(file->get());
  // Files of /proc say that they are empty.
  if (!identity.ok() || !identity->is_regular || identity->size == 0) {
    return ReadWhole(file->get(), path);
  }
  Payload payload;
  payload.size_ = identity->size;
  payload.file_ = *std::move(file);
  payload.name_ = path;
  return payload;
}

absl::StatusOr<Payload> Payload::ReadWhole(int fd, absl::string_view name) {
  std::string bytes;
  for (;;) {
    const size_t before = bytes.size();
    bytes.resize(before + kPieceBytes);
    const absl::StatusOr<size_t> read = ReadFd(fd, &bytes[before], kPieceBytes);
    if (!read.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": ", read.status().message()));
    }
    bytes.resize(before + *read);
    if (*read == 0) return FromBytes(std::move(bytes));
  }
}

absl::StatusOr<absl::string_view> Payload::At(uint64_t offset) {
  CHECK(offset < size_) << offset << " of " << size_;
  if (offset < buffer_start_ || offset >= buffer_start_ + buffer_.size()) {
    buffer_.resize(kPieceBytes);
    buffer_start_ = offset;
    const absl::StatusOr<size_t> read = PReadFd(file_.get(), &buffer_[0], kPieceBytes, offset);
    if (!read.ok() || *read == 0) {
      buffer_.clear();
      return absl::DataLossError(absl::StrCat(
          name_, ": ", read.ok() ? "became shorter while it was sent" : read.status().message()));
    }
    buffer_.resize(*read);
  }
  const absl::string_view from = absl::string_view(buffer_).substr(offset - buffer_start_);
  return from.substr(0, size_ - offset);  // the file may have grown
}

}  // namespace windlass
