#ifndef WINDLASS_TOOLS_CLIENT_OUTPUT_FILE_H_
#define WINDLASS_TOOLS_CLIENT_OUTPUT_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: a file that is there whole or not at all: written beside its place under another name, and
// put there by Commit; until then, what was there stays, and its mode is kept. What is no plain
// file (a device, a pipe) is written as it comes. Blocking: for the disk, or whoever reads. Errors:
// Aborted, with the name; without Commit nothing is left of it.
class OutputFile {
 public:
  static absl::StatusOr<OutputFile> Create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept = default;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  absl::Status Write(absl::string_view bytes);
  absl::Status Commit();

 private:
  OutputFile(std::string path, std::string temporary, OwnedFd fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}
  absl::Status Failed() const;

  std::string path_, temporary_;  // "": it is no plain file
  OwnedFd fd_;                    // not valid: committed, or moved from
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_OUTPUT_FILE_H_
