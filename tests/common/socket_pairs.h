#ifndef WINDLASS_TESTS_COMMON_SOCKET_PAIRS_H_
#define WINDLASS_TESTS_COMMON_SOCKET_PAIRS_H_

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "windlass/owned_fd.h"

// Connected pairs of sockets, and what a peer may do to one.

namespace windlass {

struct Pair {
  OwnedFd ours, theirs;
};

inline Pair SocketPair() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

// A TCP pair: what clients are.
inline Pair TcpPair() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  OwnedFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  OwnedFd theirs(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(theirs.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  return {OwnedFd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)),
          std::move(theirs)};
}

inline void Send(const OwnedFd& fd) { ASSERT_EQ(::send(fd.get(), "x", 1, MSG_NOSIGNAL), 1); }
inline void Receive(const OwnedFd& fd) {
  char byte;
  ASSERT_EQ(::recv(fd.get(), &byte, 1, 0), 1);
}
inline void FillSendBuffer(const OwnedFd& fd) {
  const std::string block(65536, 'x');
  while (::send(fd.get(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
}
inline void Drain(const OwnedFd& fd) {
  std::string block(65536, '\0');
  while (::recv(fd.get(), block.data(), block.size(), MSG_DONTWAIT) > 0) {
  }
}
inline void ResetConnection(OwnedFd* fd) {
  const linger abort_on_close = {1, 0};
  ASSERT_EQ(::setsockopt(fd->get(), SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof(linger)), 0);
  fd->Reset();
}

}  // namespace windlass

#endif  // WINDLASS_TESTS_COMMON_SOCKET_PAIRS_H_
