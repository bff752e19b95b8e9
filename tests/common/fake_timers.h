#ifndef WINDLASS_TESTS_COMMON_FAKE_TIMERS_H_
#define WINDLASS_TESTS_COMMON_FAKE_TIMERS_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "common/timer_wheel.h"

// Timers on a wheel whose clock the test moves, and what they should do.

namespace windlass {

constexpr int64_t kTick = int64_t{1} << 22;  // ns; what the header calls 4 ms
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1000 * kMs;
constexpr int64_t kHour = 3600 * kSecond;

// Timers by number, on a wheel whose clock the test moves.
class Timers final : public TimerOwner {
 public:
  explicit Timers(int64_t start_ns = 12345) : now_{start_ns}, wheel_(now_) {}

  size_t Add() {
    timers_.push_back(std::make_unique<Timer>(this));
    number_[timers_.back().get()] = timers_.size() - 1;
    return timers_.size() - 1;
  }
  void ArmAt(size_t timer, Instant deadline) { wheel_.Arm(timers_[timer].get(), deadline); }
  void ArmIn(size_t timer, int64_t ns) { ArmAt(timer, Instant{now_.ns + ns}); }
  void Disarm(size_t timer) { timers_[timer]->Disarm(); }
  void Destroy(size_t timer) { timers_[timer].reset(); }
  const Timer& Get(size_t timer) const { return *timers_[timer]; }

  // Moves the clock and gives the timers that fired, in order.
  std::vector<size_t> AdvanceTo(Instant now) {
    now_ = now;
    fired_.clear();
    wheel_.Advance(now);
    return std::exchange(fired_, {});
  }
  std::vector<size_t> AdvanceBy(int64_t ns) { return AdvanceTo(Instant{now_.ns + ns}); }
  int SleepMs() const { return wheel_.SleepMs(now_); }
  // Sleeps for as long as the wheel says and advances.
  std::vector<size_t> SleepOnce() { return AdvanceBy(SleepMs() * kMs); }
  Instant now() const { return now_; }

  std::function<void(size_t)> on_fire = [](size_t) {};

 private:
  void OnTimer(Timer* timer, Instant now) override {
    EXPECT_EQ(now, now_);
    EXPECT_FALSE(timer->armed()) << "it may be armed again from here";
    const size_t number = number_.at(timer);
    fired_.push_back(number);
    on_fire(number);
  }

  Instant now_;
  TimerWheel wheel_;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::map<Timer*, size_t> number_;
  std::vector<size_t> fired_;
};

using Fired = std::vector<size_t>;

// Slow and obvious: all deadlines in order.
class Reference {
 public:
  void Arm(size_t timer, Instant deadline) {
    Disarm(timer);
    deadlines_.emplace(deadline, timer);
  }
  void Disarm(size_t timer) {
    for (auto at = deadlines_.begin(); at != deadlines_.end(); ++at) {
      if (at->second != timer) continue;
      deadlines_.erase(at);
      return;
    }
  }
  bool empty() const { return deadlines_.empty(); }
  Instant Earliest() const { return deadlines_.begin()->first; }

  // Each one that fired was armed and due, and nothing is left that is due for more than a tick.
  void Check(const Fired& fired, Instant now) {
    for (const size_t timer : fired) {
      auto at = deadlines_.begin();
      while (at != deadlines_.end() && at->second != timer) ++at;
      ASSERT_NE(at, deadlines_.end()) << "timer " << timer << " is not armed";
      ASSERT_LE(at->first, now) << "timer " << timer << " is early";
      deadlines_.erase(at);
    }
    if (empty()) return;
    ASSERT_GT(Earliest().ns, now.ns - kTick)
        << "timer " << deadlines_.begin()->second << " is late";
  }

 private:
  std::multimap<Instant, size_t> deadlines_;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_COMMON_FAKE_TIMERS_H_
