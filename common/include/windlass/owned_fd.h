#ifndef WINDLASS_OWNED_FD_H_
#define WINDLASS_OWNED_FD_H_

#include <unistd.h>

#include <utility>

namespace windlass {

// A file descriptor that is closed exactly once, by whoever owns this object. Everywhere else in
// this code base a plain `int fd` is borrowed. Blocking: never (close(2) of a socket, pipe or memfd
// does not wait). After fork: both processes own their copy.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { Reset(); }

  int get() const { return fd_; }  // borrowed; -1 when empty
  bool valid() const { return fd_ >= 0; }
  int Take() { return std::exchange(fd_, -1); }  // the caller owns it now
  void Reset(int fd = -1) {
    // EINTR is not retried: on Linux the descriptor is gone by then, and a retry could close
    // somebody else's.
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace windlass

#endif  // WINDLASS_OWNED_FD_H_
