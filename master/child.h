#ifndef WINDLASS_MASTER_CHILD_H_
#define WINDLASS_MASTER_CHILD_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/control_channel.h"
#include "common/scoreboard.h"
#include "common/timer_wheel.h"
#include "master/blocked_answers.h"
#include "master/child_state.h"
#include "master/death_log.h"
#include "master/kill_ladder.h"
#include "master/recycle_policy.h"
#include "master/spawn.h"

namespace windlass {

// Names one place in the process table of the master, for as long as the master runs.
struct ChildId {
  uint32_t value = 0;  // 0: none
  friend bool operator==(ChildId, ChildId) = default;
};

// What a pool process's slot has counted.
struct JobCounts {
  uint64_t done = 0, expired = 0, dropped = 0;
};

// Of a generation that did not come up: its processes are ended, which is no news.
inline constexpr char kGivenUp[] = "its generation was given up";

// One place in the process table: a worker, a zygote, a pool process or an admin process, and
// whoever replaces it after a death. Its life is in child_state.h.
struct Child {
  Child(TimerOwner* owner, const RoleSpec* role_spec, ChildId child_id, uint32_t of_pool)
      : role(role_spec), id(child_id), pool(of_pool), timer(owner) {}

  bool is_worker() const { return role->role == Role::kWorker; }
  bool is_pool() const { return role->role == Role::kPool; }
  bool is_zygote() const { return role->role == Role::kZygote; }
  bool is_admin() const { return role->role == Role::kAdmin; }
  // A generation cannot come up without it.
  bool is_needed() const { return !is_admin(); }
  // Will be there: neither on its way out nor only there to replace another one.
  bool counts() const { return !leaving() && replaces == ChildId{}; }
  bool leaving() const {
    return state == ChildState::kDraining || state == ChildState::kEnding ||
           state == ChildState::kGone;
  }

  const RoleSpec* const role;
  const ChildId id;
  const uint32_t pool;  // pool process, zygote: whose it is, an index into Config::pools; else 0
  ChildState state = ChildState::kWaiting;
  std::optional<SlotIndex> slot;  // while it has a process, or is about to have one again
  uint32_t incarnation = 0;
  pid_t pid = 0;
  OwnedFd pidfd;
  std::optional<ControlChannel> control;
  OwnedFd output;           // zygote, pool process: what its handlers have printed
  bool is_cloning = false;  // pool process: asked for, pid not known yet
  pid_t zygote = 0;         // pool process: that it is a clone of
  Instant started;
  uint64_t work_before = 0;  // jobs or requests that its slot had counted by then
  int quick_deaths = 0;      // in a row
  struct Heir {
    SlotIndex slot;
    uint32_t incarnation = 0;
  };
  std::vector<Heir> heirs;  // draining: the workers that it is linked to
  Instant heirs_sought;
  BlockedAnswers blocked;                 // worker: it is looked at until they fit
  std::vector<int> cpus;                  // worker: that it was told to run on; empty: none
  bool moves = false;                     // draining: gives its clients to other workers
  EndCause ends_by = EndCause::kUnknown;  // why it was told to end, or killed
  std::string killed_because;             // by the master; "" = it was not
  std::string cannot_start;               // why, as it said; "" = it has not
  KillLadder ladder;                      // pool process
  struct Sample {
    KillLadder::Step step = KillLadder::Step::kNone;  // that asked for it; kNone: nobody waits
    uint64_t taken_before = 0;
    uint64_t job = 0;
    absl::Duration ran;                      // by then
    const HandlerConfig* handler = nullptr;  // that ran it; null: not known
  };
  Sample sample;
  uint64_t stacks_before = 0;  // that its slot had taken by its start
  uint64_t calls_before = 0;   // forbidden ones that its slot had written down by then
  JobCounts counts_before;     // of its slot then
  std::string no_stack;        // killed: why it told no call stack; "" = it did
  ChildId replaces;            // ready first, then that one retires
  RecycleLimits limits;
  bool is_spent = false;  // pool process: a job has left so much memory that it ends by itself
  OwnedFd sandbox;        // pool process, sandbox_log_only: it is asked here
  Timer timer;            // the next spawn, startup_timeout or the drain's deadline, by state
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_CHILD_H_
