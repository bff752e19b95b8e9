#ifndef WINDLASS_COMMON_LOG_OUTPUT_H_
#define WINDLASS_COMMON_LOG_OUTPUT_H_

#include <cstddef>
#include <utility>

#include "absl/strings/string_view.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: a descriptor that logs are written to, without ever waiting for whoever reads it (a hung
// journald, a paused pipe). Any process; one thread. Owns what it was given as an OwnedFd and a
// second open file description where one is needed; a plain `fd` is borrowed. Blocking: never, but
// for the disk under a regular file. Sockets are written with MSG_DONTWAIT; pipes and terminals are
// opened again with O_NONBLOCK, because setting it on the shared description would change them for
// every other program that holds them. After fork: the child must keep descriptor().
class LogOutput {
 public:
  explicit LogOutput(int fd) { Use(fd); }
  explicit LogOutput(OwnedFd fd) { Redirect(std::move(fd)); }
  // What is written from now on goes to `fd`.
  void Redirect(OwnedFd fd);
  // Where it goes: may be another one than was given.
  int descriptor() const { return fd_; }
  // A file on a disk, which takes any number of bytes at once and in one piece; else no more than
  // PIPE_BUF bytes stay in one piece.
  bool is_file() const { return is_file_; }
  // One write; how many of the bytes were taken.
  size_t Write(absl::string_view bytes);

 private:
  void Use(int fd);

  int fd_ = -1;
  bool is_socket_ = false, is_file_ = false;
  OwnedFd owned_;  // fd_, unless that is borrowed
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_LOG_OUTPUT_H_
