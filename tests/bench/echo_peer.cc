// A yardstick for the CPU time of a request: the least that an echo server can do with epoll. One
// thread, level-triggered, one recv and one send per event, no limits, no timers, no back-pressure
// worth the name (while the kernel does not take the bytes of one client, all others wait).
//
//   echo_peer [PORT=0]      prints "listening on 127.0.0.1:PORT"; ends on SIGTERM or SIGINT
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "echo_peer: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

void Watch(int epoll, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl");
}

int Listen(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) Die("socket");
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t length = sizeof(address);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0) Die("bind");
  if (::listen(listener, 4096) != 0) Die("listen");
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    Die("getsockname");
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

int SignalDescriptor() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int fd = ::signalfd(-1, &signals, SFD_CLOEXEC);
  if (fd < 0) Die("signalfd");
  return fd;
}

void Accept(int epoll, int listener) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  Watch(epoll, fd);
}

void Echo(int fd) {
  static char bytes[65536];
  const ssize_t n = ::recv(fd, bytes, sizeof(bytes), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  ssize_t sent = 0;
  while (sent < n) {
    const ssize_t took = ::send(fd, bytes + sent, static_cast<size_t>(n - sent), MSG_NOSIGNAL);
    if (took < 0 && errno != EAGAIN) break;
    if (took > 0) sent += took;
    pollfd writable = {fd, POLLOUT, 0};
    if (sent < n) ::poll(&writable, 1, -1);
  }
  if (n <= 0 || sent < n) ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  const int signals = SignalDescriptor();
  const int listener = Listen(argc > 1 ? std::atoi(argv[1]) : 0);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) Die("epoll_create1");
  Watch(epoll, signals);
  Watch(epoll, listener);
  for (;;) {
    epoll_event events[128];
    const int count = ::epoll_wait(epoll, events, 128, -1);
    if (count < 0 && errno != EINTR) Die("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == signals) return 0;
      if (fd == listener) {
        Accept(epoll, listener);
      } else {
        Echo(fd);
      }
    }
  }
}
