#include "common/pool_mark.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "absl/status/statusor.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD, since Linux 6.5

// A pid may be somebody else's by now; a pidfd may not. Before Linux 6.5 the one is made from the
// other as soon as the connection is accepted.
OwnedFd PidfdOfPeer(int socket, pid_t pid) {
  int fd = -1;
  socklen_t size = sizeof(fd);
  if (::getsockopt(socket, SOL_SOCKET, kPeerPidfd, &fd, &size) == 0) return OwnedFd(fd);
  if (errno != ENOPROTOOPT) return OwnedFd();
  return OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool IsAlive(int pidfd) {
  pollfd ended = {pidfd, POLLIN, 0};
  return ::poll(&ended, 1, 0) == 0;
}

}  // namespace

absl::Status MarkAsPoolProcess() {
  const rlimit none = {0, 0};
  if (::setrlimit(RLIMIT_LOCKS, &none) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "RLIMIT_LOCKS");
}

bool ComesFromPoolProcess(int socket) {
  const absl::StatusOr<PeerCredentials> peer = PeerOf(socket);
  if (!peer.ok()) return true;
  if (peer->process == 0) return false;  // beyond our pid namespace, where none of ours can be
  const OwnedFd pidfd = PidfdOfPeer(socket, peer->process);
  rlimit ours = {}, theirs = {};
  if (!pidfd.valid() || ::getrlimit(RLIMIT_LOCKS, &ours) != 0) return true;
  // Of pool processes, which have our user and group or are below us, this may always be read.
  const bool is_known = ::prlimit(peer->process, RLIMIT_LOCKS, nullptr, &theirs) == 0;
  if (!is_known && errno != EPERM) return true;
  return !IsAlive(pidfd.get()) || (is_known && theirs.rlim_max == 0 && ours.rlim_max > 0);
}

}  // namespace windlass
