#ifndef WINDLASS_COMMON_LOG_SINK_H_
#define WINDLASS_COMMON_LOG_SINK_H_

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <cstdint>

#include "common/owned_fd.h"

namespace windlass {

// Role: writes log lines to a file descriptor without ever waiting for its reader (a hung journald,
// a paused pipe). Any process; one thread. Owns a second open file description where one is needed,
// never `fd` itself. Blocking: never. Sockets are written with MSG_DONTWAIT; pipes and terminals
// are opened again with O_NONBLOCK, because setting it on the shared description would change them
// for every other program that holds them. Errors: a line that is not taken is dropped and counted;
// when the sink takes lines again, the count comes first. Lines are cut at PIPE_BUF bytes.
class LogSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit LogSink(int fd);
  uint64_t dropped() const { return dropped_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  bool Write(const char* data, size_t size);

  // Fixed after construction.
  int fd_;
  bool is_socket_ = false;
  OwnedFd reopened_;
  // Working state.
  uint64_t dropped_ = 0;
  uint64_t reported_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_LOG_SINK_H_
