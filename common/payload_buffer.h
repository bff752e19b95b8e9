#ifndef WINDLASS_COMMON_PAYLOAD_BUFFER_H_
#define WINDLASS_COMMON_PAYLOAD_BUFFER_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "common/posix.h"

namespace windlass {

// Memory of a large request: a memfd that its worker writes (it receives from the client straight
// into it) and a pool process maps read-only. Sealed SHRINK|GROW|FUTURE_WRITE: nobody but the
// worker's existing mapping can change it.
class RequestBuffer {
 public:
  static absl::StatusOr<std::unique_ptr<RequestBuffer>> Create(uint64_t capacity);
  int fd() const { return memfd_.get(); }
  char* data() const { return mapping_.data(); }
  uint64_t capacity() const { return mapping_.size(); }

  uint64_t touched = 0;  // bytes that have been accounted for: what may have been written, ever
  // Processes of two pools may have it mapped: it is not used for another request.
  bool is_shared = false;

 private:
  OwnedFd memfd_;
  Mapping mapping_;
};

// Memory of a large result: a memfd that belongs to the pool process that made it. The first page
// is a header with the in-use word; the content follows. The process sets the word to the job's
// id before it sends, the worker clears it after its last use if it still is that id, and only then
// is the memory written again.
struct ResultHeader {
  static constexpr uint64_t kMagic = 0x544c55534552;
  static constexpr uint64_t kBytes = 4096;
  uint64_t magic;
  std::atomic<uint64_t> in_use;  // a job id; 0 = free
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

class ResultBuffer {
 public:
  static absl::StatusOr<std::unique_ptr<ResultBuffer>> Create(uint64_t capacity);
  int fd() const { return memfd_.get(); }
  ResultHeader* header() const { return reinterpret_cast<ResultHeader*>(mapping_.data()); }
  char* data() const { return mapping_.data() + ResultHeader::kBytes; }
  uint64_t capacity() const { return mapping_.size() - ResultHeader::kBytes; }

 private:
  OwnedFd memfd_;
  Mapping mapping_;
};

// Capacities are powers of two from 64 KiB, so that buffers are reused for payloads of about their
// size.
uint64_t PayloadCapacityFor(uint64_t bytes);

}  // namespace windlass

#endif  // WINDLASS_COMMON_PAYLOAD_BUFFER_H_
