#include "common/timer_wheel.h"

#include <algorithm>

namespace windlass {
namespace {

constexpr int64_t kHorizon = int64_t{1} << 26;  // ticks that the four levels cover

}  // namespace

TimerWheel::TimerWheel(Instant now) : now_(now), tick_(now.ns >> kTickShift) {}

TimerWheel::~TimerWheel() {
  for (Timer& head : heads_) {
    while (head.next_ != &head) head.next_->Disarm();
    head.next_ = head.prev_ = nullptr;
  }
}

// The first tick that is not before `at`.
int64_t TimerWheel::TickAfter(Instant at) {
  const int64_t tick_ns = int64_t{1} << kTickShift;
  return at.ns > INT64_MAX - tick_ns ? INT64_MAX >> kTickShift
                                     : (at.ns + tick_ns - 1) >> kTickShift;
}

void TimerWheel::Arm(Timer* timer, Instant deadline) {
  timer->Disarm();
  timer->deadline_ = deadline;
  Place(timer, TickAfter(deadline));
}

void TimerWheel::Place(Timer* timer, int64_t tick) {
  tick = std::clamp(tick, tick_ + 1, tick_ + kHorizon - 1);
  int level = 0;
  while (level < 3 && tick - tick_ >= int64_t{1} << (kShift[level] + kBits[level])) ++level;
  const int64_t mask = (int64_t{1} << kBits[level]) - 1;
  Timer& head = heads_[kFirst[level] + ((tick >> kShift[level]) & mask)];
  wake_tick_ = std::min(wake_tick_, level == 0 ? tick : (tick_ | 255) + 1);
  timer->prev_ = head.prev_;
  timer->next_ = &head;
  head.prev_->next_ = timer;
  head.prev_ = timer;
}

// Sorts the timers of the current slot of `level` into the levels below.
void TimerWheel::Cascade(int level) {
  const int64_t mask = (int64_t{1} << kBits[level]) - 1;
  const int64_t index = (tick_ >> kShift[level]) & mask;
  if (index == 0 && level < 3) Cascade(level + 1);
  Timer& head = heads_[kFirst[level] + index];
  Timer pending;  // a list of its own: a far deadline may be placed into this very slot again
  if (head.next_ == &head) {
    pending.next_ = pending.prev_ = nullptr;
    return;
  }
  pending.next_ = head.next_;
  pending.prev_ = head.prev_;
  pending.next_->prev_ = pending.prev_->next_ = &pending;
  head.next_ = head.prev_ = &head;
  while (pending.next_ != &pending) {
    Timer* const timer = pending.next_;
    timer->Disarm();
    // A timer that is due at this very tick belongs into the slot that is fired next.
    const int64_t tick = TickAfter(timer->deadline_);
    if (tick <= tick_) {
      --tick_;
      Place(timer, tick);
      ++tick_;
    } else {
      Place(timer, tick);
    }
  }
  pending.next_ = pending.prev_ = nullptr;
}

void TimerWheel::FireSlot(Timer* head, Instant now) {
  while (head->next_ != head) {
    Timer* const timer = head->next_;
    timer->Disarm();
    timer->owner_->OnTimer(timer, now);
  }
}

void TimerWheel::Advance(Instant now) {
  now_ = now;
  const int64_t target = now.ns >> kTickShift;
  if (target < wake_tick_) {
    // Nothing to fire or to sort on the way: whole rounds are skipped, but for the boundary that
    // cascades.
    tick_ = std::max(tick_, target);
    return;
  }
  while (tick_ < target) {
    ++tick_;
    if ((tick_ & 255) == 0) Cascade(1);
    FireSlot(&heads_[tick_ & 255], now);
  }
  wake_tick_ = FindWakeTick();
}

int64_t TimerWheel::FindWakeTick() const {
  const int64_t boundary = (tick_ | 255) + 1;
  for (int64_t tick = tick_ + 1; tick < boundary; ++tick) {
    const Timer& head = heads_[tick & 255];
    if (head.next_ != &head) return tick;
  }
  // The rest of level 0 lies past the boundary; whatever is anywhere makes the boundary worth
  // waking for.
  for (const Timer& head : heads_) {
    if (head.next_ != &head) return boundary;
  }
  return kNoTick;
}

int TimerWheel::SleepMs(Instant now) const {
  if (wake_tick_ == kNoTick) return -1;
  const int64_t ns = (wake_tick_ << kTickShift) - now.ns;
  return ns <= 0 ? 0 : static_cast<int>((ns + 999'999) / 1'000'000);
}

}  // namespace windlass
