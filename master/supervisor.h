#ifndef WINDLASS_MASTER_SUPERVISOR_H_
#define WINDLASS_MASTER_SUPERVISOR_H_

#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/captured_output.h"
#include "common/log_limit.h"
#include "common/scoreboard.h"
#include "common/selector.h"
#include "common/timer_wheel.h"
#include "master/blame.h"
#include "master/child.h"
#include "master/death_log.h"
#include "master/generation.h"
#include "master/oom_counter.h"
#include "master/pool_scaler.h"
#include "master/quarantine.h"
#include "master/restart_policy.h"
#include "master/service_counts.h"
#include "master/slot_pool.h"
#include "master/spawn.h"
#include "master/stack_names.h"
#include "proto/control.pb.h"
#include "proto/upgrade.pb.h"

namespace windlass {

class Supervisor;

// Who has several supervisors, and knows what goes beyond one generation. Must not call back into
// the supervisor except for the const ones and Tell.
class SupervisorOwner {
 public:
  virtual void OnWorkerServing(Supervisor* supervisor, Child* worker) = 0;
  virtual void OnReport(Supervisor* supervisor, Child* child, const proto::Report& report) = 0;
  virtual void OnAsk(const proto::Report::Ask& ask, OwnedFd socket) = 0;

 protected:
  virtual ~SupervisorOwner() = default;
};

// What all supervisors of a master work with.
struct SupervisorServices {
  Scoreboard* board = nullptr;
  Selector* selector = nullptr;
  TimerWheel* timers = nullptr;
  SlotPool* pool_slots = nullptr;
  DeathLog* deaths = nullptr;
  OomCounter* oom = nullptr;
  Quarantine* quarantine = nullptr;
  absl::Span<const RoleSpec> roles;
  const SpawnSettings* settings = nullptr;
  SupervisorOwner* owner = nullptr;
  ServiceCounts* counts = nullptr;
};

// How a generation ends.
struct Farewell {
  Instant deadline = Instant::Never();  // by then at the latest
  // Clients are given to other workers; else they are closed when they have their answers.
  bool moves = false;
  std::vector<uint32_t> kept_listeners;  // by index, at which others go on
  std::vector<uint32_t> kept_admin;      // the same, of the admin process's
};

// Role: keeps the processes of one generation running: makes them, hears when they are ready,
// replaces the dead, adds and takes away, recycles, and tells workers what became of jobs whose
// process died. Pool processes are clones of the generation's zygote, so they wait for it. The
// admin process is no part of the data plane: no generation waits for it, or fails with it. The
// master, which calls it from its loop. Policy is elsewhere and pure: child_state.h (states x
// events), restart_policy.h (when), recycle_policy.h (when no more).
//
// Life:   Start -> kStarting -> (all ready) kReady -> Serve -> kServing -> Drain -> kDraining ->
//                      |                                                     (all gone) kDone
//                      \-> a process cannot start, or startup_timeout: kFailed, why() says what
//
// Until Serve, workers take no client, so that a generation which fails has cost nobody anything.
// Draining: the admin process ends at once if another generation has one, else as pool processes
// do; workers take nothing new and end when they have no client left; pool processes stay, and are
// replaced, while any worker lives; whoever is left a second after the deadline is killed. Owns the
// generation and all children. Trusts nothing that it reads from the scoreboard or a control
// channel. Blocking: never. Errors: a failed fork is tried again with back-off; it ends the start
// only if startup_timeout passes.
class Supervisor : public TimerOwner {
 public:
  enum class State : uint8_t { kStarting, kReady, kServing, kDraining, kDone, kFailed };
  static constexpr uint64_t kPidfdKind = 1, kControlKind = 2, kSandboxKind = 3;
  // A role of which every process has died so many times in a row without work is said to have
  // failed. It is tried on, slowly.
  static constexpr int kFailedAfter = 5;

  Supervisor(Generation generation, const SupervisorServices& services);
  // Goes on with the processes of a former binary; `generation` was adopted from the same state.
  Supervisor(Generation generation, const SupervisorServices& services,
             const proto::UpgradeState::Generation& state);
  // Deaths that wait for the names of a call stack are told without: nobody could later.
  void Describe(proto::UpgradeState::Generation* state) const;
  ~Supervisor();

  // `answers_early`: its admin process takes clients from the moment that it is ready, to say that
  // the server is starting; else those of another generation do.
  void Start(bool answers_early);
  void Serve();  // REQUIRES: kReady
  // May be called again, with an earlier deadline or to stop moving.
  void Drain(Farewell farewell);
  void KillAll();
  // Kills everybody and comes to kDone when they are gone.
  void Abort();
  // How many processes there shall be. Those too many finish first: workers give their clients
  // away, pool processes end between jobs.
  void ResizeWorkers(int workers);
  void ResizePool(uint32_t pool, int processes);  // REQUIRES: pool < config().pools.size()
  // Now and then: as many processes as the load wants, of pools where it may (pool_scaler.h).
  void ScalePools(Instant now);
  // Now and then: starts successors of processes that are due to be recycled.
  void Recycle(Instant now);
  void OnReady(SelectorToken token);  // REQUIRES: Owns(token)
  bool Owns(SelectorToken token) const {
    return (token.value >> 48 & 0xff) == generation_.place().bay;
  }
  bool OnChildExited(pid_t pid);  // false: not one of ours
  void OnTimer(Timer* timer, Instant now) override;

  // Now and then: has slow jobs tell where they are, and ends the processes of those that run on
  // past their deadline (kill_ladder.h), and workers that do not take their answers.
  void EnforceDeadlines(Instant now);
  // Kills the process that runs `job`. False: none does.
  bool KillRunning(uint64_t job, absl::string_view why);
  // Whether a zygote has been asked for processes that are not known yet: an unknown child that has
  // ended may be one. TakeClones hears what the zygote has said meanwhile.
  bool AwaitsClones() const;
  void TakeClones();
  // False: it cannot be told (it has none, or does not read and is killed).
  bool Tell(Child& child, const google::protobuf::MessageLite& command,
            absl::Span<const int> fds = {});

  State state() const { return state_; }
  const std::string& why() const { return why_; }
  // For workers to come; those that are there must be told.
  absl::Status ReopenAccessLogs() { return generation_.access_logs().Reopen(); }
  const Generation& generation() const { return generation_; }
  ListenerSet& listeners() { return generation_.listeners(); }
  ListenerSet& admin_listeners() { return generation_.admin_listeners(); }
  // Where its workers listen, or listened: as listeners().sockets() before Drain, without the fds.
  const std::vector<ListenSocket>& bound() const { return bound_; }
  const std::vector<ListenSocket>& admin_bound() const { return admin_bound_; }  // the same
  const std::vector<std::unique_ptr<Child>>& children() const { return children_; }
  int wanted_workers() const { return wanted_workers_; }
  int wanted_pool(uint32_t pool) const { return wanted_pools_[pool]; }
  int wanted_pools() const {  // all together
    return std::accumulate(wanted_pools_.begin(), wanted_pools_.end(), 0);
  }
  bool HasFailed(Role role) const;  // of a pool: one of them
  bool HasFailedPool(uint32_t pool) const;
  uint32_t NumberOf(const Child& child) const;  // as in its name
  std::string NameOf(const Child& child) const;

 private:
  // What a pool process had in its hands when it died, as far as its slot says.
  struct HeldJob {
    uint64_t id = kSlotIdle;  // or kSlotReceiving
    uint32_t handler = 0;     // as in the slot, unchecked
    Blame blame;
  };

  Supervisor(Generation generation, const SupervisorServices& services, bool adopted);
  void AdoptChild(const proto::UpgradeState::Process& process);
  void WatchFds(Child& child);
  void Unwatch(int fd);
  RecycleLimits LimitsOf(const Child& child) const;
  // Processes of one kind that stand in for each other.
  struct Group {
    Role role = Role::kWorker;
    uint32_t pool = 0;
    bool Has(const Child& child) const { return child.role->role == role && child.pool == pool; }
  };
  std::vector<Group> Groups() const;
  int Wanted(const Group& group) const;
  bool HasFailedGroup(const Group& group) const;
  Child& AddChild(Role role, uint32_t pool = 0);
  const RoleSpec& SpecOf(Role role) const;
  void Apply(Child& child, ChildEvent event);
  std::optional<SlotIndex> FixedSlot(const Child& child) const;
  SlotPool* SlotsFor(const Child& child);
  bool AssignSlot(Child& child);
  void ReleaseSlot(Child& child);
  void Spawn(Child& child);
  absl::Status SpawnForked(Child& child);
  absl::Status SpawnCloned(Child& child);
  void Watch(Child& child, pid_t pid, OwnedFd pidfd);
  void BeginLife(Child& child);
  Child* Zygote(uint32_t pool);  // that is there; null: none
  // Of the zygote that it is a clone of: another one may have other code. nullptr: that is gone.
  ControlChannel* NamerFor(const Child& child);
  void SpawnWaiting(uint32_t pool);
  void OnCloned(Child& zygote, const proto::Report::Cloned& report);
  void LoseClones(uint32_t pool);
  void Reschedule(Child& child);
  void Kill(Child& child, EndCause cause, absl::string_view why);
  void SampleStack(Child& child, const Child::Sample& asked);
  void TakeSample(Child& child);
  void BeginServing(Child& child);
  bool MayServe(const Child& child) const;
  bool WantsAdmin() const;
  void TellDrain(Child& child);
  absl::Duration LongestDeadline() const;  // of all handlers
  void OnExited(Child& child);
  Death CertificateFor(const Child& child, pid_t pid, const ExitStatus& status);
  std::vector<uint64_t> LastStackOf(const Child& child, const ExitStatus& status);
  void Publish(Death death, std::vector<uint64_t> stack, ControlChannel* namer);
  const HandlerConfig* HandlerOf(const Child& child) const;
  std::string WhileLoading(const Child& child) const;
  std::string DescribeJob(const Child& child, uint64_t job) const;
  void LogLastOutput(Child& child, pid_t pid, uint64_t job);
  void TakeReports(Child& child);
  void HandleReport(Child& child, const proto::Report& report);
  void SettleJobs(const HeldJob& held, uint32_t pool, const std::string& cause);
  void ClearSlot(const Child& child);
  void RepairCounts(const Child& child, ProcessSlot* slot) const;
  uint64_t WorkOf(const Child& child) const;
  void ResizeGroup(const Group& group);
  void RecycleGroup(const Group& group, Instant now);
  void DealCpus();
  void WatchSandbox(Child& child);
  void AnswerSandbox(Child& child);
  Child* PickSurplus(const Group& group);
  Child* SuccessorOf(const Child& child);
  void RetireReplaced(const Child& successor);
  void UpdateState();
  void PublishPlaces();
  bool TakesReplies(const Child& worker, uint32_t pool) const;
  void LookAtBlocked(Child& worker, Instant now);
  Child* FindWorker(SlotIndex slot, uint32_t incarnation);
  Child* Find(ChildId id);
  bool AnyLeft(Role role) const;

  // Fixed after construction.
  Generation generation_;
  const std::vector<ListenSocket> bound_, admin_bound_;
  const SupervisorServices services_;
  Scoreboard* const board_;
  Selector* const selector_;
  TimerWheel* const timers_;
  const RestartPolicy policy_;
  // Working state.
  State state_ = State::kStarting;
  std::string why_;
  std::vector<std::unique_ptr<Child>> children_;
  uint32_t next_child_ = 1;
  SlotPool worker_slots_;
  int wanted_workers_;
  std::vector<int> wanted_pools_;
  std::vector<std::optional<PoolScaler>> scalers_;  // by pool; nullopt: its number is fixed
  std::vector<SpawnRate> spawn_rates_;              // of each pool, and last of all others
  Timer start_timer_;                               // startup_timeout of the whole
  Farewell farewell_;
  Instant admin_deadline_ = Instant::Never();  // draining: of the admin process
  bool answers_early_ = false;
  bool pool_told_ = false;  // that no worker needs it any more
  mutable StackNames stack_names_;
  LogLimit output_log_{kOutputRate};
  // Payloads can cause them, so clients can, or a system that is short of something.
  LogLimit deaths_log_, slow_log_, kill_log_, recycle_log_, serves_log_, retry_log_, spawn_log_,
      sandbox_log_, scale_log_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_SUPERVISOR_H_
