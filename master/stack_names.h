#ifndef WINDLASS_MASTER_STACK_NAMES_H_
#define WINDLASS_MASTER_STACK_NAMES_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "common/control_channel.h"
#include "common/scoreboard.h"
#include "common/timer_wheel.h"
#include "proto/control.pb.h"

namespace windlass {

// Role: turns the raw call stacks that pool processes leave in their slots into names, by asking
// the zygote that they were cloned from: the master has none of that code. The master. Invariant:
// everyone who asks is told once: the names, or after kPatience, or where there are too many or
// nobody to ask, the bare addresses. Blocking: never. Trusts neither the slot nor the answer.
class StackNames : public TimerOwner {
 public:
  using Told = std::function<void(std::vector<std::string> stack)>;
  static constexpr absl::Duration kPatience = absl::Milliseconds(500);
  static constexpr size_t kMostAsked = 16;  // at a time: in a storm of crashes, addresses do

  explicit StackNames(TimerWheel* timers) : timers_(timers), timer_(this) {}
  ~StackNames() override { TellAll(); }

  // `zygote`: nullptr where there is none. May tell before it returns.
  void Ask(ControlChannel* zygote, std::vector<uint64_t> addresses, Told told);
  void OnNamed(const proto::Report::Symbolized& answer);
  // Everyone who waits: by addresses. The zygote is gone.
  void TellAll();
  void OnTimer(Timer* timer, Instant now) override;

 private:
  struct Asked {
    uint32_t number = 0;
    Instant until;
    std::vector<uint64_t> addresses;
    Told told;
  };
  TimerWheel* const timers_;
  std::deque<Asked> asked_;  // the oldest first
  uint32_t last_ = 0;
  Timer timer_;
};

// The frames of `sample`, as far as they can be believed.
std::vector<uint64_t> FramesOf(const StackSample& sample);

}  // namespace windlass

#endif  // WINDLASS_MASTER_STACK_NAMES_H_
