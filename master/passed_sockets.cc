#include "master/passed_sockets.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/address.h"
#include "common/log.h"
#include "common/posix.h"

namespace windlass {

absl::StatusOr<PassedSocket> DescribePassedSocket(int fd, std::string name) {
  const std::string what = absl::StrCat("socket '", name, "' that systemd passed");
  if (::sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, /*listening=*/1) <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": it is no listening stream socket (ListenStream=, Accept=no)"));
  }
  SocketAddress local;
  const absl::StatusOr<sockaddr_storage> storage = LocalAddress(fd, &local.length);
  if (!storage.ok()) return storage.status();
  local.storage = *storage;
  return PassedSocket{fd, std::move(name), FormatSocketAddress(local)};
}

absl::StatusOr<PassedSockets> PassedSockets::FromEnvironment() {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(/*unset_environment=*/0, &names);
  if (count < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("LISTEN_FDS, LISTEN_FDNAMES: ", ::strerror(-count)));
  }
  std::vector<PassedSocket> sockets;
  absl::Status failed;
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    absl::StatusOr<PassedSocket> socket = DescribePassedSocket(fd, names[i]);
    ::free(names[i]);
    if (!socket.ok()) {
      failed.Update(socket.status());
      continue;
    }
    // The next binary of an upgrade finds them as this one did.
    SetCloseOnExec(fd, false);
    if (absl::Status set = SetNonBlocking(fd); !set.ok()) failed.Update(set);
    LOG(INFO) << "systemd passed socket '" << socket->name << "', " << socket->address;
    sockets.push_back(*std::move(socket));
  }
  ::free(names);
  if (!failed.ok()) return failed;
  return PassedSockets(std::move(sockets));
}

std::vector<const PassedSocket*> PassedSockets::Named(absl::string_view name) const {
  std::vector<const PassedSocket*> found;
  for (const PassedSocket& socket : sockets_) {
    if (socket.name == name) found.push_back(&socket);
  }
  return found;
}

const PassedSocket* PassedSockets::At(absl::string_view address) const {
  const auto found =
      std::find_if(sockets_.begin(), sockets_.end(),
                   [address](const PassedSocket& socket) { return socket.address == address; });
  return found == sockets_.end() ? nullptr : &*found;
}

std::string PassedSockets::Names() const {
  std::set<std::string> names;
  for (const PassedSocket& socket : sockets_) names.insert(socket.name);
  return names.empty() ? "none" : absl::StrJoin(names, ", ");
}

}  // namespace windlass
