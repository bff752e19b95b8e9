#include "master/supervisor.h"

#include <signal.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/pools.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr absl::Duration kKillGrace = absl::Seconds(1);  // after the drain's deadline
// An admin process that is told to end has a second for what it has asked us, and its clients one
// to take it.
constexpr absl::Duration kAdminFarewell = absl::Seconds(2);

}  // namespace

Supervisor::Supervisor(Generation generation, const SupervisorServices& services)
    : Supervisor(std::move(generation), services, /*adopted=*/false) {
  for (uint32_t pool = 0; pool < wanted_pools_.size(); ++pool) AddChild(Role::kZygote, pool);
  if (WantsAdmin()) AddChild(Role::kAdmin);
  for (const Group& group : Groups()) {
    for (int i = 0; i < Wanted(group); ++i) AddChild(group.role, group.pool);
  }
}

Supervisor::Supervisor(Generation generation, const SupervisorServices& services, bool)
    : generation_(std::move(generation)),
      bound_(generation_.listeners().sockets()),
      admin_bound_(generation_.admin_listeners().sockets()),
      services_(services),
      board_(services.board),
      selector_(services.selector),
      timers_(services.timers),
      worker_slots_(generation_.place().first_worker, generation_.worker_slots()),
      wanted_workers_(generation_.sizing().workers),
      wanted_pools_(generation_.sizing().pools),
      spawn_rates_(1 + generation_.config().pools.size(),
                   SpawnRate(policy_.max_spawns_per_second, timers_->now())),
      start_timer_(this),
      stack_names_(services.timers) {
  for (const PoolConfig& pool : generation_.config().pools) {
    scalers_.push_back(pool.max > 0 ? std::make_optional<PoolScaler>(pool) : std::nullopt);
  }
  GenerationBay& bay = board_->MutableHeader().bays[generation_.place().bay];
  for (size_t pool = 0; pool < generation_.config().pools.size(); ++pool) {
    bay.pool_keys[pool].store(PoolKey(generation_.config().pools[pool].name));
  }
  bay.generation.store(generation_.number());
  bay.first_worker.store(generation_.place().first_worker);
}

Supervisor::~Supervisor() {
  stack_names_.TellAll();
  KillAll();
  for (auto& child : children_) ReleaseSlot(*child);
  GenerationBay& bay = board_->MutableHeader().bays[generation_.place().bay];
  bay.generation.store(0);
  bay.workers.store(0);
  for (Word<uint32_t>& ready : bay.pool_ready) ready.store(0);
  for (Word<uint64_t>& key : bay.pool_keys) key.store(0);
}

std::vector<Supervisor::Group> Supervisor::Groups() const {
  std::vector<Group> groups = {{Role::kWorker, 0}};
  for (uint32_t pool = 0; pool < wanted_pools_.size(); ++pool) {
    groups.push_back({Role::kPool, pool});
  }
  return groups;
}

int Supervisor::Wanted(const Group& group) const {
  return group.role == Role::kWorker ? wanted_workers_ : wanted_pools_[group.pool];
}

const RoleSpec& Supervisor::SpecOf(Role role) const {
  const auto found = std::find_if(services_.roles.begin(), services_.roles.end(),
                                  [role](const RoleSpec& spec) { return spec.role == role; });
  CHECK(found != services_.roles.end());
  return *found;
}

Child& Supervisor::AddChild(Role role, uint32_t pool) {
  children_.push_back(std::make_unique<Child>(this, &SpecOf(role), ChildId{next_child_++}, pool));
  return *children_.back();
}

uint32_t Supervisor::NumberOf(const Child& child) const {
  if (!child.slot) return 0;
  return child.slot->value - FirstSlotOf(child.role->role, *board_).value;
}

std::string Supervisor::NameOf(const Child& child) const {
  const std::string of_pool = OfPool(generation_.config().pools[child.pool]);
  return absl::StrCat(child.slot ? ProcessName(*child.role, *child.slot, *board_)
                                 : absl::StrCat("a ", child.role->name),
                      of_pool);
}

void Supervisor::Start(bool answers_early) {
  answers_early_ = answers_early;
  timers_->Arm(&start_timer_, timers_->now() + generation_.config().master.startup_timeout);
  for (size_t i = 0; i < children_.size(); ++i) Apply(*children_[i], ChildEvent::kSpawnDue);
  UpdateState();
}

void Supervisor::Serve() {
  CHECK(state_ == State::kReady);
  state_ = State::kServing;
  start_timer_.Disarm();
  for (auto& child : children_) {
    if (child->state == ChildState::kServing) BeginServing(*child);
  }
}

// Decides by the table, then acts.
void Supervisor::Apply(Child& child, ChildEvent event) {
  const ChildDecision decision = DecideChild(child.state, event);
  if (decision.next != child.state) {
    LOG(DEBUG) << NameOf(child) << ": " << ChildStateName(child.state) << " -> "
               << ChildStateName(decision.next);
  }
  child.state = decision.next;
  switch (decision.action) {
    case ChildAction::kNone:
      break;
    case ChildAction::kSpawn:
      Spawn(child);
      break;
    case ChildAction::kReschedule:
      Reschedule(child);
      break;
    case ChildAction::kKill:
      if (child.state == ChildState::kEnding) {
        Kill(child, EndCause::kUnresponsive, "it did not end in time");
      } else {
        Kill(child, EndCause::kStartup, "it was not ready within startup_timeout");
      }
      break;
    case ChildAction::kTellDrain:
      TellDrain(child);
      break;
  }
  if (child.state == ChildState::kServing || child.state == ChildState::kGone) child.timer.Disarm();
  if (event != ChildEvent::kReady || child.state != ChildState::kServing) return;
  if (child.is_zygote()) SpawnWaiting(child.pool);
  if (MayServe(child)) BeginServing(child);
}

bool Supervisor::WantsAdmin() const { return generation_.admin_listeners().size() > 0; }

bool Supervisor::MayServe(const Child& child) const {
  if (state_ == State::kServing) return true;
  // While the server starts and while it stops somebody shall say so.
  return child.is_admin() && (answers_early_ || state_ == State::kDraining);
}

// It is ready, and may.
void Supervisor::BeginServing(Child& child) {
  board_->MutableSlot(*child.slot).state.store(ProcessState::kServing);
  if (child.is_worker()) {
    const Quarantine& quarantine = *services_.quarantine;
    if (!quarantine.entries().empty()) {
      Tell(child, quarantine.CommandFor(generation_.config()));
    }
    proto::Command command;
    command.mutable_serve();
    if (!Tell(child, command)) return;
    services_.owner->OnWorkerServing(this, &child);
  }
  if (child.is_admin()) {
    proto::Command command;
    command.mutable_serve();
    Tell(child, command);
  }
  if (child.quick_deaths > 0 || child.replaces != ChildId{}) {
    LOG_LIMITED(INFO, serves_log_, timers_->now()) << NameOf(child) << " serves, pid " << child.pid;
  }
  if (child.replaces != ChildId{}) RetireReplaced(child);
  if (child.is_worker()) DealCpus();
}

void Supervisor::OnReady(SelectorToken token) {
  Child* const child = Find(ChildId{static_cast<uint32_t>(token.value)});
  if (child == nullptr || child->pid == 0) return;  // it went earlier in this batch
  if (token.value >> 56 == kPidfdKind) {
    OnExited(*child);
  } else if (token.value >> 56 == kSandboxKind) {
    return AnswerSandbox(*child);
  } else {
    TakeReports(*child);
  }
  UpdateState();
}

Child* Supervisor::Find(ChildId id) {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [id](const auto& child) { return child->id == id; });
  return found == children_.end() ? nullptr : found->get();
}

void Supervisor::Reschedule(Child& child) {
  if (!generation_.can_repair()) {
    child.state = ChildState::kGone;
    return;
  }
  const absl::Duration delay = RestartDelay(child.quick_deaths, policy_);
  if (delay > absl::ZeroDuration()) {
    LOG_LIMITED(WARNING, retry_log_, timers_->now())
        << NameOf(child) << ": next try in " << delay << " after " << child.quick_deaths
        << " quick death(s)";
  }
  timers_->Arm(&child.timer, timers_->now() + delay);
  if (delay == absl::ZeroDuration()) Apply(child, ChildEvent::kSpawnDue);
  if (child.quick_deaths == kFailedAfter && HasFailedGroup({child.role->role, child.pool})) {
    LOG(ERROR) << "FAILED: no " << child.role->name << " process"
               << OfPool(generation_.config().pools[child.pool])
               << " can be started: trying on, slowly";
  }
}

bool Supervisor::HasFailed(Role role) const {
  if (role != Role::kPool) return HasFailedGroup({role, 0});
  for (uint32_t pool = 0; pool < wanted_pools_.size(); ++pool) {
    if (HasFailedPool(pool)) return true;
  }
  return false;
}

bool Supervisor::HasFailedPool(uint32_t pool) const {
  const Group group = {Role::kPool, pool};
  if (!HasFailedGroup({Role::kZygote, pool})) return HasFailedGroup(group);
  // Those that are there go on; none will come.
  return std::none_of(children_.begin(), children_.end(), [&group](const auto& child) {
    return group.Has(*child) && child->state == ChildState::kServing;
  });
}

bool Supervisor::HasFailedGroup(const Group& group) const {
  int failed = 0;
  for (const auto& child : children_) {
    if (!group.Has(*child) || child->leaving()) continue;
    if (child->state == ChildState::kServing || child->quick_deaths < kFailedAfter) return false;
    ++failed;
  }
  return failed > 0;
}

void Supervisor::TellDrain(Child& child) {
  const bool generation_ends = state_ == State::kDraining;
  if (generation_ends) child.ends_by = EndCause::kDrain;
  Instant deadline = timers_->now() + generation_.config().master.drain_timeout;
  if (generation_ends) deadline = std::min(deadline, farewell_.deadline);
  if (child.is_admin()) deadline = std::min(admin_deadline_, timers_->now() + kAdminFarewell);
  // Clients get the answer or, by then, an error: a job is not cut for our convenience.
  if (!generation_ends) deadline = timers_->now() + LongestDeadline();
  child.moves = child.is_worker() && (generation_ends ? farewell_.moves : true);
  proto::Command command;
  command.mutable_drain()->set_deadline_ns(static_cast<uint64_t>(deadline.ns));
  command.mutable_drain()->set_move(child.moves);
  if (child.moves && !generation_ends) {
    for (size_t i = 0; i < generation_.listeners().size(); ++i) {
      command.mutable_drain()->add_kept(static_cast<uint32_t>(i));
    }
  }
  for (const uint32_t kept : child.is_admin() ? farewell_.kept_admin : farewell_.kept_listeners) {
    command.mutable_drain()->add_kept(kept);
  }
  timers_->Arm(&child.timer, deadline + kKillGrace);
  board_->MutableSlot(*child.slot).state.store(ProcessState::kDraining);
  child.heirs.clear();  // the owner finds some
  Tell(child, command);
}

absl::Duration Supervisor::LongestDeadline() const {
  absl::Duration longest = generation_.config().master.drain_timeout;
  for (const HandlerConfig& handler : generation_.config().handlers) {
    longest = std::max(longest, handler.deadline);
  }
  return longest;
}

void Supervisor::Drain(Farewell farewell) {
  farewell.deadline = std::min(farewell_.deadline, farewell.deadline);
  farewell_ = std::move(farewell);
  admin_deadline_ = farewell_.deadline;
  state_ = State::kDraining;
  start_timer_.Disarm();
  generation_.listeners().Close();
  // Another generation's answers from now on.
  const bool ends_admin = farewell_.moves;
  if (ends_admin) generation_.admin_listeners().Close();
  for (auto& child : children_) {
    if (child->is_worker() || (child->is_admin() && ends_admin)) Apply(*child, ChildEvent::kDrain);
  }
  UpdateState();
}

void Supervisor::KillAll() {
  for (auto& child : children_) {
    if (child->pid != 0) (void)PidfdSignal(child->pidfd.get(), SIGKILL);
  }
}

void Supervisor::Abort() {
  state_ = State::kDraining;
  start_timer_.Disarm();
  pool_told_ = true;
  generation_.listeners().Close();
  generation_.admin_listeners().Close();
  for (auto& child : children_) {
    child->killed_because = kGivenUp;
    child->ends_by = EndCause::kReload;
    child->state = child->pid == 0 ? ChildState::kGone : ChildState::kEnding;
    child->timer.Disarm();
  }
  KillAll();
  UpdateState();
}

bool Supervisor::OnChildExited(pid_t pid) {
  const auto known = std::find_if(children_.begin(), children_.end(),
                                  [pid](const auto& child) { return child->pid == pid; });
  if (known == children_.end()) return false;
  OnExited(**known);
  UpdateState();
  return true;
}

void Supervisor::OnTimer(Timer* timer, Instant) {
  if (timer == &start_timer_ && state_ == State::kStarting && why_.empty()) {
    why_ = "not all processes were ready within startup_timeout";
    for (const auto& child : children_) why_ += WhileLoading(*child);
  }
  for (size_t i = 0; i < children_.size(); ++i) {
    Child& child = *children_[i];
    if (&child.timer != timer) continue;
    Apply(child,
          child.state == ChildState::kWaiting ? ChildEvent::kSpawnDue : ChildEvent::kDeadline);
    if (state_ == State::kStarting && child.is_needed() && child.state == ChildState::kKilled &&
        why_.empty()) {
      why_ = absl::StrCat("a ", child.role->name, " process was not ready within startup_timeout",
                          WhileLoading(child));
    }
  }
  UpdateState();
}

// ", while it loaded handler thumbnail": whose Preload hangs or crashes.
std::string Supervisor::WhileLoading(const Child& child) const {
  if (!child.is_zygote() || !child.slot) return "";
  const HandlerConfig* const handler = HandlerOf(child);
  return handler == nullptr ? "" : absl::StrCat(", while it loaded handler ", handler->name);
}

bool Supervisor::AnyLeft(Role role) const {
  return std::any_of(children_.begin(), children_.end(), [role](const auto& child) {
    return child->role->role == role && child->state != ChildState::kGone;
  });
}

void Supervisor::UpdateState() {
  std::array<uint32_t, kMaxPools> pool_ready = {};
  bool all_ready = true;
  for (const auto& child : children_) {
    const bool serving = child->state == ChildState::kServing;
    all_ready = all_ready && (serving || !child->is_needed());
    if (serving && child->is_pool()) ++pool_ready[child->pool];
  }
  GenerationBay& bay = board_->MutableHeader().bays[generation_.place().bay];
  for (uint32_t pool = 0; pool < kMaxPools; ++pool) bay.pool_ready[pool].store(pool_ready[pool]);
  if (state_ == State::kStarting && all_ready) {
    state_ = State::kReady;
    why_.clear();
  }
  if (state_ == State::kStarting && !why_.empty()) state_ = State::kFailed;
  if (state_ == State::kDraining && !pool_told_ && !AnyLeft(Role::kWorker)) {
    pool_told_ = true;  // no worker needs it any more
    generation_.admin_listeners().Close();
    farewell_.deadline = std::min(farewell_.deadline, timers_->now());
    for (auto& child : children_) {
      const bool is_told = child->is_admin() && child->state == ChildState::kDraining;
      if (!is_told) Apply(*child, ChildEvent::kDrain);
    }
  }
  // Nothing refers to a child that is gone.
  for (auto& child : children_) {
    if (child->state == ChildState::kGone) ReleaseSlot(*child);
  }
  children_.erase(
      std::remove_if(children_.begin(), children_.end(),
                     [](const auto& child) { return child->state == ChildState::kGone; }),
      children_.end());
  if (state_ == State::kDraining && children_.empty()) state_ = State::kDone;
}

}  // namespace windlass
