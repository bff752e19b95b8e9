#ifndef WINDLASS_TOOLS_BENCH_REQUEST_QUEUE_H_
#define WINDLASS_TOOLS_BENCH_REQUEST_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/clock.h"
#include "tools/bench/numbered_template.h"

namespace windlass {

struct OpenRequest {
  uint64_t number = 0;
  Instant intended;  // when it should have been sent; latency counts from here
  Instant given;     // when the connection got it; its timeout counts from here
};

// Role: the open requests of one connection, oldest first, and how far they have been sent. Room
// for a fixed number, so that nothing is allocated per request; the bytes are made from the
// template when they are sent. Blocking: never.
class RequestQueue {
 public:
  explicit RequestQueue(uint32_t capacity) : slots_(capacity) {}

  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == slots_.size(); }
  size_t size() const { return count_; }
  const OpenRequest& front() const { return slots_[first_]; }  // REQUIRES: !empty()
  bool front_sent() const { return sent_ > 0; }                // to its last byte
  bool has_unsent() const { return sent_ < count_; }

  void Push(const OpenRequest& request);  // REQUIRES: !full()
  // The oldest request is over, even if it was not sent to its end. REQUIRES: !empty()
  void Pop();
  void Clear();
  // Writes what is to be sent next, as far as there is room; returns how much.
  size_t CopyUnsent(const NumberedTemplate& text, char* into, size_t room) const;
  // `bytes` of that have been sent.
  void MarkSent(const NumberedTemplate& text, size_t bytes);

 private:
  size_t At(size_t position) const;  // of the request at that position, oldest = 0

  std::vector<OpenRequest> slots_;  // a ring
  size_t first_ = 0, count_ = 0;
  size_t sent_ = 0;         // how many of the open ones have been sent whole
  size_t sent_offset_ = 0;  // bytes of the next one that have been sent
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_REQUEST_QUEUE_H_
