#ifndef WINDLASS_MASTER_PID_FILE_H_
#define WINDLASS_MASTER_PID_FILE_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace windlass {

// Role: the file that says which process the master is, for init scripts. Master. Owns the file for
// as long as it holds this process's id. It is no lock: two masters that start in the same instant
// both get it; the control socket is what tells them apart. Blocking: as long as the file system
// takes. After fork: the child's copy removes nothing.
class PidFile {
 public:
  PidFile() = default;  // none
  // Writes "PID\n" to a temporary file beside `path` and renames it, so that a reader sees a whole
  // id or none. What is there already is replaced if it is empty, our own id, or that of a process
  // that is gone or is no windlassd. Errors name the path: AlreadyExists (another windlassd runs),
  // FailedPrecondition (something else than a process id is there), those of the file system.
  static absl::StatusOr<PidFile> Write(const std::string& path);

  PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  PidFile& operator=(PidFile&& other) noexcept;
  ~PidFile() { Remove(); }

  // Only if it still holds the id of this process. Does nothing the second time.
  void Remove();
  const std::string& path() const { return path_; }  // "" = none

 private:
  explicit PidFile(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_PID_FILE_H_
