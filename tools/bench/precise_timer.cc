#include "tools/bench/precise_timer.h"

#include <errno.h>
#include <sys/timerfd.h>

#include <utility>

namespace windlass {

absl::StatusOr<PreciseTimer> PreciseTimer::Create() {
  OwnedFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, "timerfd_create");
  return PreciseTimer(std::move(fd));
}

void PreciseTimer::Arm(Instant at) {
  if (armed_for_ != at) Set(at);
}

void PreciseTimer::Disarm() {
  if (armed_for_ != Instant{}) Set(Instant{});
}

// Setting it takes back that it was readable. It cannot fail: the descriptor and the time are
// valid.
void PreciseTimer::Set(Instant at) {
  armed_for_ = at;
  itimerspec when = {};
  when.it_value.tv_sec = at.ns / 1'000'000'000;
  when.it_value.tv_nsec = at.ns % 1'000'000'000;
  ::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace windlass
