#include "master/control_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "common/posix.h"
#include "common/unix_path.h"

namespace windlass {
namespace {

constexpr int kBacklog = 64;  // people and scripts; more than that at once is a mistake

absl::Status Wrap(const std::string& path, absl::string_view why,
                  absl::StatusCode code = absl::StatusCode::kFailedPrecondition) {
  return absl::Status(code, absl::StrCat("control socket ", path, ": ", why));
}

absl::Status Failed(const std::string& path, absl::string_view doing) {
  return absl::ErrnoToStatus(errno, absl::StrCat("control socket ", path, ": ", doing));
}

absl::StatusOr<SocketAddress> AddressOf(const std::string& path) {
  const absl::StatusOr<ListenAddress> parsed = ParseListenAddress(absl::StrCat("unix:", path));
  if (!parsed.ok()) return parsed.status();
  const absl::StatusOr<std::vector<SocketAddress>> addresses = ResolveListenAddress(*parsed);
  if (!addresses.ok()) return addresses.status();
  return addresses->front();
}

// "/run/x/control.sock" -> "/run/x", "/control.sock" -> "/".
std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool IsTrusted(uid_t user) { return user == 0 || user == ::geteuid(); }

// In /tmp anybody may have made it before us, also as a link to somewhere else.
absl::Status PrepareDirectory(const std::string& path) {
  const std::string directory = DirectoryOf(path);
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return Failed(path, absl::StrCat("make ", directory));
  }
  struct stat link;
  struct stat target;
  if (::lstat(directory.c_str(), &link) != 0 || ::stat(directory.c_str(), &target) != 0) {
    return Failed(path, directory);
  }
  if (!S_ISDIR(target.st_mode)) return Wrap(path, absl::StrCat(directory, " is no directory"));
  if (IsTrusted(link.st_uid) && IsTrusted(target.st_uid)) return absl::OkStatus();
  return Wrap(path, absl::StrCat(directory, " belongs to another user, number ",
                                 IsTrusted(link.st_uid) ? target.st_uid : link.st_uid));
}

absl::Status ReplaceStaleFile(const std::string& path, const SocketAddress& address) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Failed(path, "look");
  }
  if (!S_ISSOCK(info.st_mode)) return Wrap(path, "is there and is no socket");
  const absl::StatusOr<OwnedFd> probe = StreamSocket(AF_UNIX);
  if (!probe.ok()) return probe.status();
  const absl::StatusOr<bool> answered =
      SomebodyListens(probe->get(), address.get(), address.length);
  if (!answered.ok()) return Wrap(path, answered.status().message(), answered.status().code());
  if (*answered) {
    return absl::AlreadyExistsError(absl::StrCat(
        "another windlassd is running: ", path,
        " (one beside it needs --set=master.control=PATH and an admin.address of its own)"));
  }
  return RemoveSocketFile(path);
}

// bind(2) makes the file, so the mask is what it can have no more permissions than.
absl::Status BindPrivately(int fd, const SocketAddress& address, const std::string& path) {
  const mode_t before = ::umask(0177);
  absl::Status bound = BindSocket(fd, address.get(), address.length,
                                  absl::StrCat("control socket ", path, ": bind"));
  ::umask(before);
  return bound;
}

absl::Status CheckListensAt(int fd, const std::string& path) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) {
    return Failed(path, "SO_ACCEPTCONN");
  }
  SocketAddress address;
  const absl::StatusOr<sockaddr_storage> local = LocalAddress(fd, &address.length);
  if (!local.ok()) return local.status();
  address.storage = *local;
  if (listens != 0 && FormatSocketAddress(address) == absl::StrCat("unix:", path)) {
    return absl::OkStatus();
  }
  return Wrap(path, "what was handed over does not listen there");
}

}  // namespace

ControlListener::ControlListener(OwnedFd socket, std::string path, dev_t device, ino_t inode)
    : socket_(std::move(socket)),
      path_(std::move(path)),
      device_(device),
      inode_(inode),
      process_(::getpid()) {}

absl::StatusOr<std::unique_ptr<ControlListener>> ControlListener::Own(OwnedFd socket,
                                                                      const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return Failed(path, "look");
  return std::unique_ptr<ControlListener>(
      new ControlListener(std::move(socket), path, info.st_dev, info.st_ino));
}

absl::StatusOr<std::unique_ptr<ControlListener>> ControlListener::Create(const std::string& path) {
  const absl::StatusOr<SocketAddress> address = AddressOf(path);
  if (!address.ok()) return Wrap(path, address.status().message(), address.status().code());
  if (absl::Status ready = PrepareDirectory(path); !ready.ok()) return ready;
  if (absl::Status free = ReplaceStaleFile(path, *address); !free.ok()) return free;
  absl::StatusOr<OwnedFd> fd = StreamSocket(AF_UNIX);
  if (!fd.ok()) return fd.status();
  if (absl::Status bound = BindPrivately(fd->get(), *address, path); !bound.ok()) return bound;
  const int socket = fd->get();
  // From here on the file is removed by the destructor.
  absl::StatusOr<std::unique_ptr<ControlListener>> listener = Own(*std::move(fd), path);
  if (!listener.ok()) return listener;
  absl::Status listens =
      StartListening(socket, kBacklog, absl::StrCat("control socket ", path, ": listen"));
  if (!listens.ok()) return listens;
  return listener;
}

absl::StatusOr<std::unique_ptr<ControlListener>> ControlListener::Adopt(OwnedFd listening,
                                                                        const std::string& path) {
  if (absl::Status valid = CheckListensAt(listening.get(), path); !valid.ok()) return valid;
  // It came through an exec, for which the one before us cleared this.
  if (::fcntl(listening.get(), F_SETFD, FD_CLOEXEC) != 0 ||
      ::fcntl(listening.get(), F_SETFL, O_NONBLOCK) != 0) {
    return Failed(path, "fcntl");
  }
  return Own(std::move(listening), path);
}

ControlListener::~ControlListener() {
  if (keeps_file_ || !InItsOwnProcess()) return;
  struct stat info;
  if (::lstat(path_.c_str(), &info) != 0) return;
  if (info.st_dev == device_ && info.st_ino == inode_) (void)::unlink(path_.c_str());
}

bool ControlListener::InItsOwnProcess() const { return ::getpid() == process_; }

}  // namespace windlass
