#ifndef WINDLASS_COMMON_TIMER_WHEEL_H_
#define WINDLASS_COMMON_TIMER_WHEEL_H_

#include <cstdint>

#include "common/clock.h"

namespace windlass {

class TimerWheel;
class Timer;

// Whoever is told that a timer has run out. It may arm, disarm or destroy any timer from there.
class TimerOwner {
 public:
  virtual void OnTimer(Timer* timer, Instant now) = 0;

 protected:
  virtual ~TimerOwner() = default;
};

// One deadline, embedded in the object that it is about. Not armed when made; destroying it disarms
// it.
class Timer {
 public:
  explicit Timer(TimerOwner* owner) : owner_(owner) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { Disarm(); }

  bool armed() const { return next_ != nullptr; }
  // Not before this; Never() when not armed.
  Instant deadline() const { return armed() ? deadline_ : Instant::Never(); }
  void Disarm() {
    if (next_ == nullptr) return;
    next_->prev_ = prev_;
    prev_->next_ = next_;
    next_ = prev_ = nullptr;
  }

 private:
  friend class TimerWheel;
  Timer() : next_(this), prev_(this) {}  // the head of a slot

  Timer* next_ = nullptr;
  Timer* prev_ = nullptr;
  TimerOwner* owner_ = nullptr;
  Instant deadline_;
};

// Role: keeps up to hundreds of thousands of timers; arming, disarming and moving one is O(1). Any
// process, one thread. Owns no timer. A hierarchical timing wheel (Varghese and Lauck, SOSP 1987,
// scheme 7): 4 levels of 256, 64, 64 and 64 slots of 4 ms, 1 s, 65 s and 70 min; later deadlines
// wait in the last level and are sorted in again. Invariants: 1. no timer fires before its
// deadline; 2. it fires at most one tick (4 ms) after it, if Advance is called. Blocking: never.
class TimerWheel {
 public:
  explicit TimerWheel(Instant now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  // Arms `timer`, or moves it if it is armed. A deadline in the past fires at the next tick.
  void Arm(Timer* timer, Instant deadline);
  // Calls the owners of all timers that have run out by `now`.
  void Advance(Instant now);
  // The instant that the last Advance was given: the loop's idea of now.
  Instant now() const { return now_; }
  // How long a loop may sleep, in milliseconds rounded up; -1: nothing is armed. May be
  // shorter than needed. O(1).
  int SleepMs(Instant now) const;

 private:
  static constexpr int kTickShift = 22;  // a tick is 2^22 ns = 4.19 ms
  static constexpr int kBits[4] = {8, 6, 6, 6};
  static constexpr int kShift[4] = {0, 8, 14, 20};
  static constexpr int kFirst[4] = {0, 256, 320, 384};
  static constexpr int kSlots = 448;
  static constexpr int64_t kNoTick = INT64_MAX;

  static int64_t TickAfter(Instant at);
  void Place(Timer* timer, int64_t tick);
  void Cascade(int level);
  void FireSlot(Timer* head, Instant now);
  int64_t FindWakeTick() const;

  Instant now_;
  int64_t tick_;                 // the last tick whose slot has been fired
  int64_t wake_tick_ = kNoTick;  // nothing fires or cascades before this one
  Timer heads_[kSlots];
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_TIMER_WHEEL_H_
