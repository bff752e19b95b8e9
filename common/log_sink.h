#ifndef WINDLASS_COMMON_LOG_SINK_H_
#define WINDLASS_COMMON_LOG_SINK_H_

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <cstdint>

#include "windlass/owned_fd.h"

namespace windlass {

// Role: writes log lines to a file descriptor without ever waiting for its reader (a hung journald,
// a paused pipe). Any process; one thread. Owns what it was given as an OwnedFd and a second open
// file description where one is needed; a plain `fd` is borrowed. Invariant: a line is one write,
// so that lines of many processes do not mix where the descriptor appends. Blocking: never, but for
// the disk under a regular file. Sockets are written with MSG_DONTWAIT; pipes and terminals are
// opened again with O_NONBLOCK, because setting it on the shared description would change them for
// every other program that holds them. Errors: a line that is not taken is dropped and counted;
// when the sink takes lines again, the count comes first, on a line of its own. Lines of text are
// cut at PIPE_BUF bytes. After fork: the child must keep descriptor().
class LogSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit LogSink(int fd);
  // Lines go to `fd` from now on. The counts go on.
  void Redirect(OwnedFd fd);
  // Where lines go: may be another one than was given.
  int descriptor() const { return fd_; }
  uint64_t dropped() const { return dropped_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  void Use(int fd);
  bool Write(const char* data, size_t size);
  bool WriteLine(const spdlog::details::log_msg& message, bool after_torn);

  // Where lines go.
  int fd_ = -1;
  bool is_socket_ = false;
  OwnedFd owned_;  // fd_, unless that is borrowed
  // Working state.
  bool torn_ = false;  // the last line was taken in part: the disk is full, or a stream's buffer
  uint64_t dropped_ = 0;
  uint64_t reported_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_LOG_SINK_H_
