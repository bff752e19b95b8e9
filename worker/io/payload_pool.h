#ifndef WINDLASS_WORKER_IO_PAYLOAD_POOL_H_
#define WINDLASS_WORKER_IO_PAYLOAD_POOL_H_

#include <memory>
#include <vector>

#include "common/payload_buffer.h"
#include "common/scoreboard.h"
#include "common/timer_wheel.h"

namespace windlass {

// Role: memory for large requests of one pool, recycled, within a budget that holds for all workers
// and processes of that pool. Worker processes. What counts is memory that has been written
// (declaring 64 MiB costs nothing): each process publishes its own bytes in its slot and adds up
// those of all before it takes more, so the sum never passes the budget. Requests may fill half of
// it: the other half is for their results (worker/pool/reply_sender.h), without which nothing that
// was taken in could be answered. Blocking: never. Errors: no memory now is an outcome (null,
// false): stop reading, try again later, then refuse.
class PayloadPool : public TimerOwner {
 public:
  // `pool_key`: PoolKey of its name; `own_bytes`: where this process publishes its own.
  PayloadPool(const Scoreboard& board, Word<uint64_t>* own_bytes, uint64_t pool_key,
              uint64_t budget_bytes, TimerWheel* timers);

  // False: not even with nothing else in flight.
  bool CouldEverHold(uint64_t bytes) const { return bytes <= budget_bytes_ / 2; }
  // A buffer with room for `bytes` and kPadding behind them; null: the system has no memory or
  // descriptor left.
  std::unique_ptr<RequestBuffer> Take(uint64_t bytes);
  // Accounts for writing up to `bytes` of it. False: over budget, nothing changed.
  bool Grow(RequestBuffer* buffer, uint64_t bytes);
  // One of another PayloadPool of this process counts here from now on. False: over budget; it is
  // still the other one's.
  bool TakeOver(RequestBuffer* buffer, PayloadPool* from);
  // Accounts for memory that this pool's processes have made for one of its jobs, which nothing
  // but the job's end gives back.
  void Charge(uint64_t bytes) { own_bytes_->fetch_add(bytes); }
  void Discharge(uint64_t bytes) { own_bytes_->fetch_sub(bytes); }
  uint64_t budget_bytes() const { return budget_bytes_; }
  // REQUIRES: no pool process uses it any more.
  void Recycle(std::unique_ptr<RequestBuffer> buffer);
  void OnTimer(Timer* timer, Instant now) override;  // gives back what has lain unused

 private:
  bool Claim(uint64_t bytes);
  void Drop(std::unique_ptr<RequestBuffer> buffer);

  // Fixed after construction.
  const Scoreboard& board_;
  const uint64_t pool_key_;
  Word<uint64_t>* const own_bytes_;
  const uint64_t budget_bytes_;
  TimerWheel* const timers_;
  // Working state.
  std::vector<std::unique_ptr<RequestBuffer>> free_;
  Timer trim_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_PAYLOAD_POOL_H_
