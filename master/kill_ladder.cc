#include "master/kill_ladder.h"

#include <algorithm>

namespace windlass {

Instant SlowFrom(Instant started, Instant deadline, const SlowAfter& slow_after) {
  if (!slow_after.is_percent) {
    return slow_after.duration == absl::InfiniteDuration() ? Instant::Never()
                                                           : started + slow_after.duration;
  }
  if (deadline == Instant::Never()) return Instant::Never();
  return started + (deadline - started) * slow_after.percent / 100;
}

KillLadder::Step KillLadder::Next(const Job& job, const SlowAfter& slow_after, Instant now) {
  if (job.id != job_) *this = KillLadder();
  job_ = job.id;
  if (job.id == 0) return Step::kNone;
  if (job.deadline != Instant::Never() && now >= job.deadline) {
    if (late_since_ == Instant::Never()) {
      late_since_ = now;
      return Step::kSampleLate;
    }
    const Instant end = std::max(job.deadline + kGrace, late_since_ + kSampleTime);
    return now >= end ? Step::kKill : Step::kNone;
  }
  if (was_slow_ || now < SlowFrom(job.started, job.deadline, slow_after)) return Step::kNone;
  was_slow_ = true;
  return Step::kSampleSlow;
}

}  // namespace windlass
