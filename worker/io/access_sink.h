#ifndef WINDLASS_WORKER_IO_ACCESS_SINK_H_
#define WINDLASS_WORKER_IO_ACCESS_SINK_H_

#include <cstddef>
#include <cstdint>
#include <memory>

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
  // The same in place: where `bytes` of a line may be written, of which Commit says how many it
  // became. Null: there is no room, and a line has been counted as dropped.
  char* Room(size_t bytes, Instant now);
  void Commit(size_t bytes) { size_ += bytes; }
  void Flush(Instant now);
  // Lines that wait go to where they would have gone, as far as that takes them.
  void Redirect(OwnedFd fd, Instant now);
  bool empty() const { return size_ == 0; }

 private:
  absl::string_view left() const { return {buffer_.get(), size_}; }
  size_t PieceAt(size_t at) const;

  LogOutput output_;
  Word<uint64_t>* const dropped_;
  const std::unique_ptr<char[]> buffer_;  // whole lines
  size_t size_ = 0;
  bool torn_ = false;  // a line was taken in part: its rest would be half a line
  Instant blocked_until_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_ACCESS_SINK_H_
