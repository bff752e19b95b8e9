#ifndef WINDLASS_MASTER_RESTART_POLICY_H_
#define WINDLASS_MASTER_RESTART_POLICY_H_

#include "absl/time/time.h"
#include "common/clock.h"

namespace windlass {

// When a dead process is replaced. All of it is arithmetic; the supervisor acts.
struct RestartPolicy {
  absl::Duration healthy_after = absl::Seconds(10);  // a process that lived this long was healthy
  absl::Duration first_delay = absl::Milliseconds(100);
  absl::Duration max_delay = absl::Seconds(30);
  // Spawns per second. Crashing payloads cost a process each and are replaced at once,
  // but not faster than this: a fork of the master costs some milliseconds of CPU.
  int max_spawns_per_second = 100;
};

// Pure. `quick_deaths`: exits in a row sooner than policy.healthy_after from start, with no job
// running. A death with a job running is the job's fault, so it counts for nothing here.
absl::Duration RestartDelay(int quick_deaths, const RestartPolicy& policy);

// How many processes may be made now: a token bucket of one second's worth.
class SpawnRate {
 public:
  SpawnRate(int per_second, Instant now)
      : per_second_(per_second), tokens_(per_second), filled_(now) {}
  // Zero: made one, counted. Else: how long to wait before asking again.
  absl::Duration Take(Instant now);

 private:
  const double per_second_;
  double tokens_;
  Instant filled_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_RESTART_POLICY_H_
