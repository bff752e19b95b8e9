#ifndef WINDLASS_COMMON_LOG_SINK_H_
#define WINDLASS_COMMON_LOG_SINK_H_

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <cstdint>

#include "common/log_output.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: writes log lines to a LogOutput. Any process; one thread. Invariant: a line is one write,
// so that lines of many processes do not mix where the descriptor appends. Blocking: as LogOutput.
// Errors: a line that is not taken is dropped and counted; when the sink takes lines again, the
// count comes first, on a line of its own. Lines of text are cut at PIPE_BUF bytes. After fork: the
// child must keep descriptor().
class LogSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit LogSink(int fd) : output_(fd) {}
  // Lines go to `fd` from now on. The counts go on.
  void Redirect(OwnedFd fd);
  // Where lines go: may be another one than was given.
  int descriptor() const { return output_.descriptor(); }
  uint64_t dropped() const { return dropped_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  bool Write(const char* data, size_t size);
  bool WriteLine(const spdlog::details::log_msg& message, bool after_torn);

  LogOutput output_;
  // Working state.
  bool torn_ = false;  // the last line was taken in part: the disk is full, or a stream's buffer
  uint64_t dropped_ = 0;
  uint64_t reported_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_LOG_SINK_H_
