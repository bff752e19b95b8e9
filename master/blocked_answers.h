#ifndef WINDLASS_MASTER_BLOCKED_ANSWERS_H_
#define WINDLASS_MASTER_BLOCKED_ANSWERS_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace windlass {

// Role: what to do with a worker whose answers do not fit into its channels. Whoever says that they
// do not may be anybody's, and may have filled the channel itself: a worker that does something is
// no stuck one. The master. Pure: it decides, the supervisor acts.
class BlockedAnswers {
 public:
  // A worker that does nothing for so long while answers do not fit is not coming back.
  static constexpr absl::Duration kStuckAfter = absl::Seconds(1);

  void Note(uint32_t pool) { pools_ |= 1u << pool; }  // of that pool's process: it did not fit
  bool any() const { return pools_ != 0; }
  // Forgets the pools for whose answers there is room again; `has_room` is asked of each. Those:
  // of their jobs some have no answer, which the worker must find out.
  uint32_t TakeThoseWithRoom(absl::FunctionRef<bool(uint32_t pool)> has_room);
  // Whether it is stuck. `progress`: anything that grows with what the worker does. REQUIRES: any.
  bool IsStuck(uint64_t progress, Instant now);

 private:
  uint32_t pools_ = 0;  // a bit each
  Instant since_ = Instant::Never();
  uint64_t progress_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_BLOCKED_ANSWERS_H_
