// The part of master/supervisor.h that has pool processes made by the zygote.
#include <algorithm>

#include "common/log.h"
#include "common/posix.h"
#include "master/supervisor.h"

namespace windlass {

Child* Supervisor::Zygote(uint32_t pool) {
  const Group zygotes = {Role::kZygote, pool};
  const auto found = std::find_if(children_.begin(), children_.end(), [&](const auto& child) {
    return zygotes.Has(*child) && child->state == ChildState::kServing && child->control;
  });
  return found == children_.end() ? nullptr : found->get();
}

ControlChannel* Supervisor::NamerFor(const Child& child) {
  Child* const zygote = Zygote(child.pool);
  return zygote == nullptr || zygote->pid != child.zygote ? nullptr : &*zygote->control;
}

// The zygote is ready: those that have waited for it.
void Supervisor::SpawnWaiting(uint32_t pool) {
  for (size_t i = 0; i < children_.size(); ++i) {
    Child& child = *children_[i];
    if (!child.is_pool() || child.pool != pool) continue;
    if (child.state != ChildState::kWaiting || child.timer.armed()) continue;
    Apply(child, ChildEvent::kSpawnDue);
  }
}

// Its pid is not known before the zygote says so, and it does nothing before it is told to begin.
absl::Status Supervisor::SpawnCloned(Child& child) {
  absl::StatusOr<AskedClone> asked = AskForClone(&*Zygote(child.pool)->control, *child.role,
                                                 *child.slot, child.incarnation, *board_);
  if (!asked.ok()) return asked.status();
  child.control.emplace(std::move(asked->control));
  child.output = std::move(asked->output);
  child.is_cloning = true;
  BeginLife(child);
  return absl::OkStatus();
}

void Supervisor::OnCloned(Child& zygote, const proto::Report::Cloned& report) {
  const auto found = std::find_if(children_.begin(), children_.end(), [&](const auto& child) {
    return child->is_cloning && child->pool == zygote.pool &&
           child->slot == SlotIndex{report.slot()} && child->incarnation == report.incarnation();
  });
  if (found == children_.end()) return;  // given up: its control channel is closed, so it ends
  Child& child = **found;
  OwnedFd pidfd;
  if (!zygote.control->fds().empty()) pidfd = std::move(zygote.control->fds()[0]);
  pid_t pid = pidfd.valid() ? ChildOfPidfd(pidfd.get()) : 0;
  // One that is known already is somebody else's.
  for (const auto& other : children_) pid = other->pid == pid ? 0 : pid;
  child.is_cloning = false;
  if (pid == 0) {
    LOG_LIMITED(ERROR, spawn_log_, timers_->now())
        << "cannot make a " << child.role->name << ": "
        << (report.failed().empty() ? "it is gone already" : report.failed());
    child.control.reset();
    child.output.Reset();
    ++child.quick_deaths;
    return Apply(child, ChildEvent::kExited);
  }
  child.zygote = zygote.pid;
  Watch(child, pid, std::move(pidfd));
  proto::Command begin;
  begin.mutable_serve();
  Tell(child, begin);
}

// The zygote is dead. What it had been asked for and has not told of is not there, or will see the
// end of its control channel.
void Supervisor::LoseClones(uint32_t pool) {
  stack_names_.TellAll();
  for (size_t i = 0; i < children_.size(); ++i) {
    Child& child = *children_[i];
    if (child.pool != pool || !std::exchange(child.is_cloning, false)) continue;
    child.control.reset();
    child.output.Reset();
    Apply(child, ChildEvent::kExited);
  }
}

bool Supervisor::AwaitsClones() const {
  return std::any_of(children_.begin(), children_.end(),
                     [](const auto& child) { return child->is_cloning; });
}

void Supervisor::TakeClones() {
  if (!AwaitsClones()) return;
  for (uint32_t pool = 0; pool < wanted_pools_.size(); ++pool) {
    if (Child* const zygote = Zygote(pool); zygote != nullptr) TakeReports(*zygote);
  }
}

}  // namespace windlass
