#ifndef WINDLASS_MASTER_PASSED_SOCKETS_H_
#define WINDLASS_MASTER_PASSED_SOCKETS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace windlass {

// One listening socket that systemd bound for this service.
struct PassedSocket {
  int fd = -1;          // borrowed
  std::string name;     // FileDescriptorName= of its socket unit; several may share one
  std::string address;  // as common/address.h formats it
};

// Role: the sockets of socket activation, sd_listen_fds(3). The master. They stay open, at the
// numbers they came with and over exec, as long as the process lives: a listener that a later
// reload adds finds its socket, and so does the next binary of an upgrade. Listeners use
// duplicates. Blocking: never. Errors: InvalidArgument for one that is no listening stream socket.
class PassedSockets {
 public:
  PassedSockets() = default;  // none
  // By LISTEN_FDS, if LISTEN_PID is this process. Logs what there is.
  static absl::StatusOr<PassedSockets> FromEnvironment();
  // REQUIRES: `sockets` stay open. For FromEnvironment and tests.
  explicit PassedSockets(std::vector<PassedSocket> sockets) : sockets_(std::move(sockets)) {}

  const std::vector<PassedSocket>& all() const { return sockets_; }
  std::vector<const PassedSocket*> Named(absl::string_view name) const;
  const PassedSocket* At(absl::string_view address) const;  // null: none
  // "a, b" or "none", for messages.
  std::string Names() const;

 private:
  std::vector<PassedSocket> sockets_;
};

// What PassedSockets says of `fd`.
absl::StatusOr<PassedSocket> DescribePassedSocket(int fd, std::string name);

}  // namespace windlass

#endif  // WINDLASS_MASTER_PASSED_SOCKETS_H_
