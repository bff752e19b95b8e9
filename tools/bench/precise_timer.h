#ifndef WINDLASS_TOOLS_BENCH_PRECISE_TIMER_H_
#define WINDLASS_TOOLS_BENCH_PRECISE_TIMER_H_

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: wakes a selector at an instant, to the microsecond; the selector's own timeout knows only
// milliseconds, which an open loop would add to every latency. Owns a timerfd. Blocking: never.
class PreciseTimer {
 public:
  static absl::StatusOr<PreciseTimer> Create();

  int fd() const {
    return fd_.get();
  }  // readable from the instant on, until the next Arm or Disarm
  void Arm(Instant at);
  void Disarm();

 private:
  explicit PreciseTimer(OwnedFd fd) : fd_(std::move(fd)) {}
  void Set(Instant at);

  OwnedFd fd_;
  Instant armed_for_;  // 0: not armed
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_PRECISE_TIMER_H_
