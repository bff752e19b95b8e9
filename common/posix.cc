#include "common/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace windlass {
namespace {

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

absl::Status Failed(absl::string_view what) { return absl::ErrnoToStatus(errno, what); }

}  // namespace

IoResult RecvSome(int fd, char* into, size_t capacity) {
  CHECK(capacity > 0) << "a zero-byte read would look like the end of the stream";
  for (;;) {
    const ssize_t n = ::recv(fd, into, capacity, MSG_DONTWAIT);
    if (n > 0) return {IoOutcome::kProgress, static_cast<size_t>(n)};
    if (n == 0) return {IoOutcome::kEnd};
    if (WouldBlock(errno)) return {IoOutcome::kWouldBlock};
    if (errno != EINTR) return {IoOutcome::kPeerGone};
  }
}

IoResult SendSome(int fd, absl::Span<const iovec> pieces, bool more_follows) {
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more_follows ? MSG_MORE : 0);
  for (;;) {
    ssize_t n;
    if (pieces.size() == 1) {
      n = ::send(fd, pieces[0].iov_base, pieces[0].iov_len, flags);
    } else {
      msghdr message = {};
      message.msg_iov = const_cast<iovec*>(pieces.data());
      message.msg_iovlen = pieces.size();
      n = ::sendmsg(fd, &message, flags);
    }
    if (n >= 0) return {IoOutcome::kProgress, static_cast<size_t>(n)};
    if (WouldBlock(errno)) return {IoOutcome::kWouldBlock};
    if (errno != EINTR) return {IoOutcome::kPeerGone};
  }
}

IoResult SendFileSome(int socket, int file, uint64_t* offset, size_t count) {
  for (;;) {
    off_t at = static_cast<off_t>(*offset);
    const ssize_t n = ::sendfile(socket, file, &at, count);
    if (n > 0) {
      *offset = static_cast<uint64_t>(at);
      return {IoOutcome::kProgress, static_cast<size_t>(n)};
    }
    if (n == 0) return {IoOutcome::kEnd};
    if (WouldBlock(errno)) return {IoOutcome::kWouldBlock};
    if (errno != EINTR) return {IoOutcome::kPeerGone};
  }
}

AcceptOutcome AcceptSome(int listener, OwnedFd* accepted) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accepted->Reset(fd);
      return AcceptOutcome::kAccepted;
    }
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
        return AcceptOutcome::kWouldBlock;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        return AcceptOutcome::kExhausted;
      // accept(2): network errors of the new connection are reported here, and are to be treated
      // like EAGAIN.
      default:
        return AcceptOutcome::kAborted;
    }
  }
}

absl::StatusOr<OwnedFd> Duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return Failed("duplicate a descriptor");
  return OwnedFd(copy);
}

void SetCloseOnExec(int fd, bool close) {
  CHECK(::fcntl(fd, F_SETFD, close ? FD_CLOEXEC : 0) == 0) << "fd " << fd;
}

absl::Status SetNonBlocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return Failed("O_NONBLOCK");
  return absl::OkStatus();
}

absl::StatusOr<OwnedFd> StreamSocket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failed("socket");
  return OwnedFd(fd);
}

absl::Status SetIntOption(int fd, int level, int option, int value, absl::string_view what) {
  if (::setsockopt(fd, level, option, &value, sizeof(value)) != 0) return Failed(what);
  return absl::OkStatus();
}

absl::StatusOr<int> GetIntOption(int fd, int level, int option, absl::string_view what) {
  int value = 0;
  socklen_t size = sizeof(value);
  if (::getsockopt(fd, level, option, &value, &size) != 0) return Failed(what);
  return value;
}

absl::Status BindSocket(int fd, const sockaddr* address, socklen_t length, absl::string_view what) {
  if (::bind(fd, address, length) != 0) return Failed(what);
  return absl::OkStatus();
}

absl::Status StartListening(int fd, int backlog, absl::string_view what) {
  if (::listen(fd, backlog) != 0) return Failed(what);
  return absl::OkStatus();
}

absl::StatusOr<ConnectOutcome> ConnectSocket(int fd, const sockaddr* address, socklen_t length,
                                             absl::string_view what) {
  for (;;) {
    if (::connect(fd, address, length) == 0) return ConnectOutcome::kConnected;
    if (errno == EINPROGRESS) return ConnectOutcome::kInProgress;
    if (errno != EINTR) return Failed(what);
  }
}

absl::StatusOr<bool> SomebodyListens(int fd, const sockaddr* address, socklen_t length) {
  for (;;) {
    if (::connect(fd, address, length) == 0) return true;
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
      case EINPROGRESS:
        return true;
      case ECONNREFUSED:
      case ENOENT:
        return false;
      default:
        return Failed("connect");
    }
  }
}

absl::Status TakeSocketError(int fd, absl::string_view what) {
  int error = 0;
  socklen_t length = sizeof(error);
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return Failed(what);
  if (error != 0) return absl::ErrnoToStatus(error, what);
  return absl::OkStatus();
}

absl::StatusOr<sockaddr_storage> LocalAddress(int fd, socklen_t* length) {
  sockaddr_storage address = {};
  *length = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) {
    return Failed("getsockname");
  }
  return address;
}

absl::StatusOr<PeerCredentials> PeerOf(int fd) {
  ucred peer = {};
  socklen_t length = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return Failed("SO_PEERCRED");
  return PeerCredentials{peer.uid, peer.gid, peer.pid};
}

absl::StatusOr<sockaddr_storage> PeerAddress(int fd, socklen_t* length) {
  sockaddr_storage address = {};
  *length = sizeof(address);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) {
    return Failed("getpeername");
  }
  return address;
}

SocketQueues QueuesOf(int fd) {
  int received = 0;
  int sent = 0;
  if (::ioctl(fd, SIOCINQ, &received) != 0) received = 0;
  if (::ioctl(fd, SIOCOUTQ, &sent) != 0) sent = 0;
  return {static_cast<uint32_t>(received), static_cast<uint32_t>(sent)};
}

void ShutdownWrite(int fd) { ::shutdown(fd, SHUT_WR); }

absl::StatusOr<StreamPair> UnixStreamPair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return Failed("socketpair");
  }
  return StreamPair{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

absl::StatusOr<PacketPair> SeqPacketPair(int buffer_bytes) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return Failed("socketpair");
  }
  PacketPair pair{OwnedFd(ends[0]), OwnedFd(ends[1])};
  for (int fd : ends) {
    // FORCE needs CAP_NET_ADMIN; the plain option is cut at net.core.wmem_max, which is no error.
    if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof(buffer_bytes)) == 0)
      continue;
    if (auto set = SetIntOption(fd, SOL_SOCKET, SO_SNDBUF, buffer_bytes, "SO_SNDBUF"); !set.ok())
      return set;
  }
  return pair;
}

PacketOutcome SendPacket(int fd, absl::Span<const iovec> pieces, absl::Span<const int> fds) {
  CHECK(fds.size() <= kMaxPacketFds);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxPacketFds)];
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  }
  for (;;) {
    if (::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return PacketOutcome::kDone;
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
      case ENOBUFS:
      case ENOMEM:
      case ETOOMANYREFS:
        return PacketOutcome::kFull;  // too many descriptors in flight: like a full channel
      case EPIPE:
      case ECONNRESET:
      case ENOTCONN:
      case ECONNREFUSED:
        return PacketOutcome::kPeerGone;
      default:
        CHECK(false) << "sendmsg on fd " << fd << ": " << std::strerror(errno);
    }
  }
}

ReceivedPacket ReceivePacket(int fd, absl::Span<const iovec> into,
                             absl::Span<OwnedFd> room_for_fds) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxPacketFds)];
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(into.data());
  message.msg_iovlen = into.size();
  const size_t room = std::min(room_for_fds.size(), kMaxPacketFds);
  if (room > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * room);
  }
  ReceivedPacket received;
  ssize_t n;
  // ECONNRESET says, once, that the peer died with packets of ours unread; those that it sent
  // before are still here, and come first.
  int resets = 0;
  do {
    n = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (n < 0 && (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
  if (n < 0) {
    // Out of memory is like nothing there yet: level-triggered, it is looked at again.
    const bool later = WouldBlock(errno) || errno == ENOMEM || errno == ENOBUFS;
    received.outcome = later ? PacketOutcome::kFull : PacketOutcome::kPeerGone;
    return received;
  }
  received.bytes = static_cast<size_t>(n);
  received.truncated = (message.msg_flags & MSG_TRUNC) != 0;
  received.fds_truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* header = message.msg_controllen > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
       header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int passed;
      std::memcpy(&passed, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      OwnedFd owned(passed);
      if (received.fd_count < room) room_for_fds[received.fd_count++] = std::move(owned);
    }
  }
  // A datagram of no bytes is never sent by us, so it means that nobody holds the other end any
  // more.
  received.outcome = n == 0 ? PacketOutcome::kPeerGone : PacketOutcome::kDone;
  return received;
}

bool SendToUnix(const std::string& path, absl::string_view bytes) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool is_abstract = path[0] == '@';
  if (is_abstract) address.sun_path[0] = '\0';
  const OwnedFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return false;
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? 0 : 1));
  return ::sendto(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address),
                  length) == static_cast<ssize_t>(bytes.size());
}

int UnsentQueueBytes(int fd) {
  int bytes = 0;
  if (::ioctl(fd, SIOCOUTQ, &bytes) != 0) return 0;
  return bytes;
}

int SendBufferBytes(int fd) {
  int bytes = 0;
  socklen_t length = sizeof(bytes);
  if (::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &length) != 0) return 0;
  return bytes;
}

absl::StatusOr<OwnedFd> EpollCreate() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return Failed("epoll_create1");
  return OwnedFd(fd);
}

absl::Status EpollControl(int epoll_fd, int operation, int fd, uint32_t events, uint64_t data) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = data;
  if (::epoll_ctl(epoll_fd, operation, fd, &event) != 0) {
    return Failed(absl::StrCat("epoll_ctl ", operation, " fd ", fd));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> EpollWait(int epoll_fd, absl::Span<epoll_event> into, int timeout_ms) {
  const int n = ::epoll_wait(epoll_fd, into.data(), static_cast<int>(into.size()), timeout_ms);
  if (n >= 0) return n;
  if (errno == EINTR) return 0;
  return Failed("epoll_wait");
}

absl::StatusOr<int> Poll(absl::Span<pollfd> entries, int timeout_ms) {
  const int n = ::poll(entries.data(), entries.size(), timeout_ms);
  if (n >= 0) return n;
  if (errno == EINTR || errno == EAGAIN) return 0;
  return Failed("poll");
}

}  // namespace windlass
