#ifndef WINDLASS_MASTER_KILL_LADDER_H_
#define WINDLASS_MASTER_KILL_LADDER_H_

#include <cstdint>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/config.h"

namespace windlass {

// What a job that does not end comes to, rung by rung:
//
//   started + slow_after      its process says where it is; that goes to the log
//   deadline                  again: the client has been told deadline_exceeded, and the handler
//                             has kGrace to notice it
//   deadline + kGrace         the process is killed, and replaced
//
// Role: how far up one pool process's job is. The master. Pure: it decides, the supervisor acts.
class KillLadder {
 public:
  enum class Step : uint8_t { kNone, kSampleSlow, kSampleLate, kKill };
  static constexpr absl::Duration kGrace = absl::Milliseconds(500);
  // A process that was asked where it is has so long to say it.
  static constexpr absl::Duration kSampleTime = absl::Milliseconds(100);

  struct Job {
    uint64_t id = 0;  // 0: it runs none
    Instant started;
    Instant deadline;  // Never(): none
  };
  // What is to be done now. A step is told once for each job, kKill again and again.
  Step Next(const Job& job, const SlowAfter& slow_after, Instant now);

 private:
  uint64_t job_ = 0;
  bool was_slow_ = false;
  Instant late_since_ = Instant::Never();  // when it was asked for the second time
};

// When a job that runs from `started` to `deadline` counts as slow.
Instant SlowFrom(Instant started, Instant deadline, const SlowAfter& slow_after);

}  // namespace windlass

#endif  // WINDLASS_MASTER_KILL_LADDER_H_
