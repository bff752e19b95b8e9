#ifndef WINDLASS_MASTER_CONTROL_LISTENER_H_
#define WINDLASS_MASTER_CONTROL_LISTENER_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: the listening end of the control socket and its file. Master. Owns both: the destructor
// closes the socket, and removes the file if this process made it, nobody has replaced it since and
// KeepFile was not called. Invariants: 1. the file never has other permissions than 0600; 2. the
// descriptor is close-on-exec and non-blocking. Blocking: never. Errors: "control socket PATH: ..."
// from all but the other server's. After fork: the child closes the descriptor; its copy of this
// object removes nothing.
class ControlListener {
 public:
  // Makes the directory if there is none (its parent must be there). A file that a dead server left
  // behind is replaced. AlreadyExists: "another windlassd is running: PATH", and the way out.
  // FailedPrecondition: something else than a socket is there, or the directory belongs to somebody
  // who is neither root nor us, and who could put another socket in the place of ours. Two servers
  // that start in the same instant may both find the path free; the later one has it then.
  static absl::StatusOr<std::unique_ptr<ControlListener>> Create(const std::string& path);
  // Goes on with the socket that another program listened with in this process, as after a binary
  // upgrade. FailedPrecondition: it does not listen at `path`. NotFound: the file is gone, so
  // nobody can connect; Create makes another.
  static absl::StatusOr<std::unique_ptr<ControlListener>> Adopt(OwnedFd listening,
                                                                const std::string& path);
  ControlListener(const ControlListener&) = delete;
  ControlListener& operator=(const ControlListener&) = delete;
  ~ControlListener();

  int fd() const { return socket_.get(); }
  const std::string& path() const { return path_; }
  // Leaves the file to whoever gets the socket next.
  void KeepFile() { keeps_file_ = true; }
  // False in a forked child.
  bool InItsOwnProcess() const;

 private:
  ControlListener(OwnedFd socket, std::string path, dev_t device, ino_t inode);
  static absl::StatusOr<std::unique_ptr<ControlListener>> Own(OwnedFd socket,
                                                              const std::string& path);

  // Fixed after construction.
  const OwnedFd socket_;
  const std::string path_;
  const dev_t device_;  // of the file
  const ino_t inode_;
  const pid_t process_;
  // Working state.
  bool keeps_file_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_CONTROL_LISTENER_H_
