#include "worker/handlers/preload_watch.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/address.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr int kLooks = 20;
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(1);

std::vector<int> Threads() { return ListNumbers("/proc/self/task").value_or(std::vector<int>()); }

std::map<int, std::string> Sockets() {
  std::map<int, std::string> sockets;
  for (const int fd : ListNumbers("/proc/self/fd").value_or(std::vector<int>())) {
    std::string target = ReadLink(absl::StrCat("/proc/self/fd/", fd)).value_or("");
    if (absl::StartsWith(target, "socket:")) sockets[fd] = std::move(target);
  }
  return sockets;
}

// "to 127.0.0.1:6379", "at unix:/run/x.sock"; "" when it has no address.
std::string Whereto(int fd) {
  SocketAddress address;
  const absl::StatusOr<sockaddr_storage> peer = PeerAddress(fd, &address.length);
  const absl::StatusOr<sockaddr_storage> local =
      peer.ok() ? peer : LocalAddress(fd, &address.length);
  if (!local.ok()) return "";
  address.storage = *local;
  if (address.family() != AF_INET && address.family() != AF_INET6 && address.family() != AF_UNIX)
    return "";
  return absl::StrCat(peer.ok() ? " to " : " at ", FormatSocketAddress(address));
}

}  // namespace

PreloadWatch::PreloadWatch() : threads_(Threads()), sockets_(Sockets()) {}

std::string PreloadWatch::LeftBehind() const {
  std::vector<int> threads;
  // The kernel still lists a thread for a moment after pthread_join has returned.
  for (int look = 0; look < kLooks; ++look) {
    if (look > 0) absl::SleepFor(kBetweenLooks);
    const std::vector<int> now = Threads();
    threads.clear();
    std::set_difference(now.begin(), now.end(), threads_.begin(), threads_.end(),
                        std::back_inserter(threads));
    if (threads.empty()) break;
  }
  std::vector<std::string> parts;
  if (!threads.empty()) {
    parts.push_back(absl::StrCat(
        threads.size(), threads.size() == 1 ? " thread" : " threads",
        ", which will not exist in pool processes: threads are to be started in Start()"));
  }
  for (const auto& [fd, socket] : Sockets()) {
    const auto before = sockets_.find(fd);
    if (before != sockets_.end() && before->second == socket) continue;
    parts.push_back(absl::StrCat("a socket", Whereto(fd),
                                 ", which all pool processes would share: connections are to be "
                                 "made in Start()"));
  }
  return absl::StrJoin(parts, "; ");
}

}  // namespace windlass
