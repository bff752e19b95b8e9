#ifndef WINDLASS_WORKER_IO_FENCE_H_
#define WINDLASS_WORKER_IO_FENCE_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "common/job_id.h"
#include "common/scoreboard.h"

namespace windlass {

// Role: finds out which jobs died with a pool process that was killed between taking a job out of
// the queue and saying which. Worker processes. The queue is FIFO: once a no-op job sent now (the
// fence) has been received, every job sent before it has been received too. From then on each live
// process is seen once outside RECEIVING; what it holds then is named. A job older than the fence
// that no process names, and whose reply is not in the channel, is lost. A death while a fence is
// out starts a new one, which covers the older. Blocking: never.
class Fence {
 public:
  enum class State : uint8_t { kNone, kToSend, kSent, kReceived };

  State state() const { return state_; }
  absl::string_view cause() const { return cause_; }
  JobId id() const { return id_; }

  void Request(absl::string_view cause);
  // `order` counts what this worker has sent into the queue.
  void OnSent(JobId id, uint64_t order);
  void OnReceived();
  // Looks at every process of the generation's pool that it has not seen outside RECEIVING yet.
  // True: all have been seen. REQUIRES: state() == kReceived.
  bool Sample(const Scoreboard& board, uint32_t generation, uint32_t pool);
  // REQUIRES: Sample returned true. Older than the fence, and in nobody's hands?
  bool Lost(JobId job, uint64_t order) const {
    return order < order_ && !named_.contains(job.word());
  }
  void Done() { state_ = State::kNone; }

 private:
  State state_ = State::kNone;
  std::string cause_;
  JobId id_;
  uint64_t order_ = 0;
  std::vector<bool> seen_;  // by slot
  absl::flat_hash_set<uint64_t> named_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_FENCE_H_
