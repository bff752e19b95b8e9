#include "tools/examples/fault/reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "windlass/owned_fd.h"

namespace windlass::fault {
namespace {

int Connect(int family, const sockaddr* address, socklen_t bytes) {
  const OwnedFd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return errno;
  const timeval limit = {5, 0};  // connect(2) goes by the time-out for sending
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return ::connect(socket.get(), address, bytes) == 0 ? 0 : errno;
}

}  // namespace

int OpenAndRead(const std::string& path) {
  // Non-blocking: a FIFO that nobody writes to is read as empty.
  const OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.valid()) return errno;
  char byte = 0;
  return ::read(file.get(), &byte, 1) < 0 ? errno : 0;
}

absl::StatusOr<int> ConnectTo(const std::string& address) {
  if (!address.empty() && address.front() == '/') {
    sockaddr_un unix_address = {};
    unix_address.sun_family = AF_UNIX;
    if (address.size() >= sizeof unix_address.sun_path) return ENAMETOOLONG;
    std::memcpy(unix_address.sun_path, address.data(), address.size());
    return Connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&unix_address), sizeof unix_address);
  }
  const size_t colon = address.rfind(':');
  sockaddr_in internet = {};
  internet.sin_family = AF_INET;
  uint32_t port = 0;
  if (colon == std::string::npos ||
      !absl::SimpleAtoi(absl::string_view(address).substr(colon + 1), &port) || port > 65'535 ||
      ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &internet.sin_addr) != 1)
    return absl::InvalidArgumentError("address must be A.B.C.D:PORT or the path of a unix socket");
  internet.sin_port = htons(static_cast<uint16_t>(port));
  return Connect(AF_INET, reinterpret_cast<const sockaddr*>(&internet), sizeof internet);
}

int AppendLine(const std::string& path, absl::string_view line) {
  const OwnedFd file(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
  if (!file.valid()) return errno;
  const std::string text = absl::StrCat(line, "\n");
  return ::write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

int ForkSleeper(absl::Duration life, pid_t* pid) {
  timespec left = absl::ToTimespec(life);
  *pid = ::fork();
  if (*pid < 0) return errno;
  if (*pid == 0) {
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) continue;
    ::_exit(0);
  }
  return 0;
}

}  // namespace windlass::fault
