#ifndef WINDLASS_MASTER_SUPERVISOR_H_
#define WINDLASS_MASTER_SUPERVISOR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "common/control_channel.h"
#include "common/log_limit.h"
#include "common/scoreboard.h"
#include "common/selector.h"
#include "common/timer_wheel.h"
#include "master/child_state.h"
#include "master/generation.h"
#include "master/restart_policy.h"
#include "master/spawn.h"

namespace windlass {

// Role: keeps the processes of a generation running: makes them, hears when they are ready,
// replaces the dead, and tells workers what became of jobs whose process died. The master, which
// calls it from its loop. Policy is elsewhere and pure: child_state.h (states x events),
// restart_policy.h (when).
//
// Life:   Start -> kStarting -> (all ready) kServing -> Drain -> kDraining -> (all gone) kDone
//                      \-> a process cannot start, or startup_timeout: kFailed, why() says what
//
// Draining: workers take nothing new and end when their last client has its answer; pool processes
// stay, and are replaced, while any worker lives; whoever is left a second after drain_timeout is
// killed. Owns the generation and all children. Trusts nothing that it reads from the scoreboard or
// a control channel. Blocking: never. Errors: a failed fork is tried again with back-off; it ends
// the start only if startup_timeout passes.
class Supervisor : public TimerOwner {
 public:
  enum class State : uint8_t { kStarting, kServing, kDraining, kDone, kFailed };
  static constexpr uint64_t kPidfdKind = 1, kControlKind = 2;

  Supervisor(Generation generation, Scoreboard* board, absl::Span<const RoleSpec> roles,
             Selector* selector, TimerWheel* timers, LogLevel log_level);
  ~Supervisor();

  void Start();
  // Finish what is in flight, by then at the latest. May be called again with an earlier deadline.
  void Drain(Instant deadline);
  void KillAll();
  void OnReady(SelectorToken token);
  // A child of ours that nobody knows ended: as PID 1 we inherit strangers.
  void ReapStrangers();
  void OnTimer(Timer* timer, Instant now) override;

  State state() const { return state_; }
  const std::string& why() const { return why_; }
  const Generation& generation() const { return generation_; }

 private:
  struct Child {
    Child(TimerOwner* owner, const RoleSpec* role_spec, SlotIndex index)
        : role(role_spec), slot(index), timer(owner) {}
    const RoleSpec* role;
    SlotIndex slot;
    ChildState state = ChildState::kWaiting;
    uint32_t incarnation = 0;
    pid_t pid = 0;
    OwnedFd pidfd;
    std::optional<ControlChannel> control;
    Instant started;
    int quick_deaths = 0;
    Timer timer;  // the next spawn, startup_timeout or the drain's deadline, by state
  };

  void Apply(Child& child, ChildEvent event);
  void Spawn(Child& child);
  void Watch(Child& child, SpawnedProcess process);
  void Reschedule(Child& child);
  void Kill(Child& child, absl::string_view why);
  void TellDrain(Child& child);
  void OnExited(Child& child);
  void OnReport(Child& child);
  void SettleJobs(const Child& child, uint64_t held_job, const std::string& cause);
  void ClearSlot(const Child& child);
  void Tell(Child& child, const google::protobuf::MessageLite& command);
  void UpdateState();
  Child* FindWorker(SlotIndex slot, uint32_t incarnation);
  bool AnyLeft(Role role) const;

  // Fixed after construction.
  Generation generation_;
  Scoreboard* const board_;
  Selector* const selector_;
  TimerWheel* const timers_;
  const LogLevel log_level_;
  const RestartPolicy policy_;
  // Working state.
  State state_ = State::kStarting;
  std::string why_;
  std::vector<std::unique_ptr<Child>> children_;
  SpawnRate spawn_rate_;
  Timer start_timer_;  // startup_timeout of the whole
  Instant drain_deadline_ = Instant::Never();
  LogLimit deaths_log_;  // payloads can cause deaths, so clients can
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_SUPERVISOR_H_
