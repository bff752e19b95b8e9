#ifndef WINDLASS_WORKER_IO_SPLIT_JOB_H_
#define WINDLASS_WORKER_IO_SPLIT_JOB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/clock.h"
#include "common/payload_buffer.h"
#include "windlass/owned_fd.h"
#include "worker/io/exchange.h"
#include "worker/io/payload_pool.h"

namespace windlass {

// Role: the memory of a job that is split: its request, and what its parts share, a memfd that this
// process never maps. Worker processes. Held by the job, by each packet of it that the pool may
// still read, and by what of its answer is not sent yet; with the last of them it goes back where
// it came from. Blocking: never.
class SplitMemory {
 public:
  // `content`: the request's where it is small, else in `request`. `payloads` outlives this.
  SplitMemory(PayloadPool* payloads, std::string content, std::unique_ptr<RequestBuffer> request,
              uint64_t request_bytes, OwnedFd shared, uint64_t shared_bytes);
  ~SplitMemory();
  SplitMemory(const SplitMemory&) = delete;
  SplitMemory& operator=(const SplitMemory&) = delete;

  absl::string_view content() const;                                            // the request's
  int request_fd() const { return request_ == nullptr ? -1 : request_->fd(); }  // -1: in packets
  int shared_fd() const { return shared_.get(); }                               // -1: there is none
  uint64_t shared_bytes() const { return shared_bytes_; }
  OwnedFd DupShared() const;  // not valid: no descriptor left

 private:
  PayloadPool* const payloads_;
  const std::string content_;
  std::unique_ptr<RequestBuffer> request_;
  const uint64_t request_bytes_;
  const OwnedFd shared_;
  const uint64_t shared_bytes_;
};

// A job whose handler has split it, from then until it is answered. The dispatcher's.
struct SplitJob {
  struct Part {
    std::string what, result;
    std::unique_ptr<Exchange> exchange;  // while it waits or is out
    AnswerPiece content;                 // for the answer; `content.result` is null: it has none
  };
  std::vector<Part> parts;
  size_t next = 0;      // the first that has not been in the backlog yet
  size_t left = 0;      // how many are not done
  std::string results;  // of all parts, for Merge
  Instant started;      // when a process took the job
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_SPLIT_JOB_H_
