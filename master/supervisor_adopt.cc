// The part of master/supervisor.h that hands a generation's processes to the next binary.
#include <algorithm>

#include "common/log.h"
#include "master/supervisor.h"

namespace windlass {

Supervisor::Supervisor(Generation generation, const SupervisorServices& services,
                       const proto::UpgradeState::Generation& state)
    : Supervisor(std::move(generation), services, /*adopted=*/true) {
  wanted_workers_ = static_cast<int>(state.workers());
  state_ = state.draining() ? State::kDraining : State::kServing;
  farewell_.deadline = Instant{static_cast<int64_t>(state.deadline_ns())};
  farewell_.moves = state.moves();
  pool_told_ = state.pool_told();
  for (const proto::UpgradeState::Process& process : state.processes()) AdoptChild(process);
  PublishPlaces();
  // Those that were dead, or waited for their turn, at the moment of the upgrade.
  if (generation_.can_repair()) {
    for (uint32_t pool = 0; pool < wanted_pools_.size() && !pool_told_; ++pool) {
      const bool has_zygote =
          std::any_of(children_.begin(), children_.end(), [pool](const auto& child) {
            return child->is_zygote() && child->pool == pool && !child->leaving();
          });
      if (!has_zygote) Apply(AddChild(Role::kZygote, pool), ChildEvent::kSpawnDue);
    }
    if (state_ == State::kServing && WantsAdmin() && !AnyLeft(Role::kAdmin)) {
      Apply(AddChild(Role::kAdmin), ChildEvent::kSpawnDue);
    }
    for (const Group& group : Groups()) {
      if (group.role == Role::kWorker ? state_ == State::kServing : !pool_told_) {
        ResizeGroup(group);
      }
    }
  }
  UpdateState();
}

void Supervisor::AdoptChild(const proto::UpgradeState::Process& process) {
  const Role role = process.is_zygote()   ? Role::kZygote
                    : process.is_admin()  ? Role::kAdmin
                    : process.is_worker() ? Role::kWorker
                                          : Role::kPool;
  Child& child = AddChild(role, process.pool());
  child.slot = SlotIndex{process.slot()};
  if (!FixedSlot(child)) SlotsFor(child)->Claim(*child.slot);
  child.incarnation = process.incarnation();
  child.pid = process.pid();
  child.pidfd.Reset(process.pidfd());
  if (process.control() >= 0) child.control.emplace(OwnedFd(process.control()));
  if (process.output() > 0) child.output.Reset(process.output());
  child.started = Instant{static_cast<int64_t>(process.started_ns())};
  child.work_before = process.work_before();
  const ProcessSlot& slot = board_->slot(*child.slot);
  child.stacks_before = slot.stack.taken.load();
  child.calls_before = slot.forbidden.taken.load();
  if (child.is_worker()) child.cpus = {-1};  // whatever it was told to
  child.counts_before = {process.work_before(), slot.jobs_expired.load(),
                         slot.replies_dropped.load()};
  child.moves = process.moves();
  child.ends_by =
      static_cast<EndCause>(std::min(process.ends_by(), static_cast<uint32_t>(EndCause::kUnknown)));
  child.killed_because = process.killed_because();
  child.zygote = process.zygote();
  child.limits = LimitsOf(child);
  const Config& config = generation_.config();
  if (process.leaving()) {
    child.state = ChildState::kDraining;
    timers_->Arm(&child.timer, Instant{static_cast<int64_t>(process.deadline_ns())});
  } else if (process.ready()) {
    child.state = ChildState::kServing;
  } else {
    child.state = ChildState::kStarting;
    timers_->Arm(&child.timer, child.started + config.master.startup_timeout);
  }
  WatchFds(child);
}

void Supervisor::Describe(proto::UpgradeState::Generation* state) const {
  stack_names_.TellAll();
  generation_.Describe(state);
  state->set_workers(static_cast<uint32_t>(wanted_workers_));
  for (size_t pool = 0; pool < wanted_pools_.size(); ++pool) {
    state->mutable_pools(static_cast<int>(pool))
        ->set_wanted(static_cast<uint32_t>(wanted_pools_[pool]));
  }
  state->set_draining(state_ == State::kDraining);
  state->set_moves(farewell_.moves);
  state->set_deadline_ns(static_cast<uint64_t>(farewell_.deadline.ns));
  state->set_pool_told(pool_told_);
  for (const auto& child : children_) {
    if (child->pid == 0) continue;
    proto::UpgradeState::Process& process = *state->add_processes();
    process.set_is_worker(child->is_worker());
    process.set_is_zygote(child->is_zygote());
    process.set_is_admin(child->is_admin());
    process.set_pool(child->pool);
    process.set_slot(child->slot->value);
    process.set_incarnation(child->incarnation);
    process.set_pid(child->pid);
    process.set_pidfd(child->pidfd.get());
    process.set_control(child->control.has_value() ? child->control->fd() : -1);
    process.set_output(child->output.valid() ? child->output.get() : 0);
    process.set_started_ns(static_cast<uint64_t>(child->started.ns));
    process.set_ready(child->state == ChildState::kServing);
    // One that was killed is as good as gone.
    process.set_leaving(child->leaving() || child->state == ChildState::kKilled);
    process.set_moves(child->moves);
    process.set_deadline_ns(static_cast<uint64_t>(child->timer.deadline().ns));
    process.set_work_before(child->work_before);
    process.set_ends_by(static_cast<uint32_t>(child->ends_by));
    process.set_killed_because(child->killed_because);
    process.set_zygote(child->zygote);
  }
}

}  // namespace windlass
