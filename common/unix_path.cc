#include "common/unix_path.h"

#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {
namespace {

in_port_t* PortOf(sockaddr_storage* address) {
  if (address->ss_family == AF_INET) return &reinterpret_cast<sockaddr_in*>(address)->sin_port;
  if (address->ss_family == AF_INET6) return &reinterpret_cast<sockaddr_in6*>(address)->sin6_port;
  return nullptr;
}

}  // namespace

absl::Status RemoveSocketFile(const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": exists and is not a socket"));
  }
  if (::unlink(path.c_str()) != 0) return absl::ErrnoToStatus(errno, absl::StrCat("remove ", path));
  return absl::OkStatus();
}

absl::Status SetSocketFileAccess(const std::string& path, int mode, const std::string& owner,
                                 const std::string& group) {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  if (!owner.empty()) {
    const passwd* const found = ::getpwnam(owner.c_str());
    if (found == nullptr) return absl::NotFoundError(absl::StrCat(path, ": no user '", owner, "'"));
    uid = found->pw_uid;
  }
  if (!group.empty()) {
    const struct group* const found = ::getgrnam(group.c_str());
    if (found == nullptr)
      return absl::NotFoundError(absl::StrCat(path, ": no group '", group, "'"));
    gid = found->gr_gid;
  }
  if ((!owner.empty() || !group.empty()) && ::chown(path.c_str(), uid, gid) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("chown ", path));
  }
  if (mode >= 0 && ::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("chmod ", path));
  }
  return absl::OkStatus();
}

void CopyPort(int bound_fd, SocketAddress* address) {
  in_port_t* const port = PortOf(&address->storage);
  if (port == nullptr || *port != 0) return;
  socklen_t length = 0;
  absl::StatusOr<sockaddr_storage> bound = LocalAddress(bound_fd, &length);
  if (!bound.ok()) return;
  const in_port_t* const picked = PortOf(&*bound);
  if (picked != nullptr) *port = *picked;
}

}  // namespace windlass
