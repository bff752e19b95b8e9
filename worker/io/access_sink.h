#ifndef WINDLASS_WORKER_IO_ACCESS_SINK_H_
#define WINDLASS_WORKER_IO_ACCESS_SINK_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/clock.h"
#include "common/log_output.h"
#include "common/scoreboard.h"

namespace windlass {

// Role: one access log of a worker: lines wait in a buffer until it is full or somebody says Flush.
// Owns buffer and descriptor. Invariants: 1. lines are written whole, as many as the descriptor
// keeps in one piece at once, so that those of several workers do not mix; 2. memory is bounded by
// kBufferBytes; 3. every line is either taken by the descriptor or counted in `dropped`, whole.
// Blocking: never, but for the disk under a regular file. Errors: a reader that does not read, or a
// full disk, costs lines: the newest, once the buffer is full.
class AccessSink {
 public:
  static constexpr size_t kBufferBytes = 64 << 10;

  // `dropped` outlives this.
  AccessSink(OwnedFd fd, Word<uint64_t>* dropped);
  ~AccessSink();  // writes what it can, and counts the rest

  // `line` ends with a newline. REQUIRES: at most PIPE_BUF bytes.
  void Add(absl::string_view line, Instant now);
  void Flush(Instant now);
  // Lines that wait go to where they would have gone, as far as that takes them.
  void Redirect(OwnedFd fd, Instant now);
  bool empty() const { return buffer_.empty(); }

 private:
  size_t PieceAt(size_t at) const;

  LogOutput output_;
  Word<uint64_t>* const dropped_;
  std::string buffer_;  // whole lines
  bool torn_ = false;   // a line was taken in part: its rest would be half a line
  Instant blocked_until_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_ACCESS_SINK_H_
