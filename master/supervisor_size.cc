// The half of master/supervisor.h that changes how many processes there are, and which.
#include <algorithm>

#include "common/cpu_affinity.h"
#include "common/log.h"
#include "common/posix.h"
#include "master/supervisor.h"

namespace windlass {

void Supervisor::Resize(int workers, int pool) {
  wanted_workers_ = std::clamp(workers, 1, generation_.config().workers.max);
  wanted_pool_ = std::max(pool, 1);
  if (state_ != State::kServing || !generation_.can_repair()) return;
  ResizeRole(Role::kWorker, wanted_workers_);
  ResizeRole(Role::kPool, wanted_pool_);
  DealCpus();
  UpdateState();
}

void Supervisor::ResizeRole(Role role, int wanted) {
  auto have = std::count_if(children_.begin(), children_.end(), [role](const auto& child) {
    return child->role->role == role && child->counts();
  });
  for (; have < wanted; ++have) Apply(AddChild(SpecOf(role)), ChildEvent::kSpawnDue);
  for (; have > wanted; --have) {
    Child* const surplus = PickSurplus(role);
    // Its successor would only be one more.
    if (Child* const successor = SuccessorOf(*surplus); successor != nullptr) {
      successor->ends_by = EndCause::kScale;
      Apply(*successor, ChildEvent::kDrain);
    }
    surplus->ends_by = EndCause::kScale;
    Apply(*surplus, ChildEvent::kDrain);
  }
}

// The one whose end costs least: not there yet, or the last one that came.
Child* Supervisor::PickSurplus(Role role) {
  Child* pick = nullptr;
  for (auto& child : children_) {
    if (child->role->role != role || !child->counts()) continue;
    if (pick == nullptr) {
      pick = child.get();
      continue;
    }
    const bool serves = child->state == ChildState::kServing;
    const bool pick_serves = pick->state == ChildState::kServing;
    if (serves != pick_serves ? pick_serves : child->slot >= pick->slot) pick = child.get();
  }
  CHECK(pick != nullptr);
  return pick;
}

Child* Supervisor::SuccessorOf(const Child& child) {
  const auto found =
      std::find_if(children_.begin(), children_.end(), [&child](const auto& candidate) {
        return candidate->replaces == child.id && !candidate->leaving();
      });
  return found == children_.end() ? nullptr : found->get();
}

void Supervisor::Recycle(Instant now) {
  if (state_ != State::kServing || !generation_.can_repair()) return;
  for (const Role role : {Role::kWorker, Role::kPool}) {
    // Those that leave do not count, or one long job would hold up all others; unless they are
    // many.
    int in_replacement = 0, leaving = 0;
    for (const auto& child : children_) {
      if (child->role->role != role) continue;
      if (child->replaces != ChildId{}) ++in_replacement;
      if (child->leaving()) ++leaving;
    }
    if (leaving >= wanted(role)) continue;
    const int most = MostReplacedAtOnce(wanted(role));
    const size_t before = children_.size();
    for (size_t i = 0; i < before && in_replacement < most; ++i) {
      const Child& child = *children_[i];
      if (child.role->role != role || child.state != ChildState::kServing) continue;
      if (!child.counts() || SuccessorOf(child) != nullptr) continue;
      const bool looks_at_memory = child.limits.memory_bytes != UINT64_MAX;
      const absl::string_view why =
          WhyRecycle(child.limits, now, board_->slot(*child.slot).jobs_done.load(),
                     looks_at_memory ? ResidentBytes(child.pid) : 0);
      if (why.empty()) continue;
      LOG_LIMITED(INFO, recycle_log_, now) << NameOf(child) << " (pid " << child.pid
                                           << ") has reached " << why << ": a successor is started";
      children_[i]->ends_by = why == kMemoryReached ? EndCause::kMemoryLimit : EndCause::kRecycle;
      Child& successor = AddChild(SpecOf(role));
      successor.replaces = children_[i]->id;
      Apply(successor, ChildEvent::kSpawnDue);
      ++in_replacement;
    }
  }
  UpdateState();
}

// Two workers on one CPU take turns of milliseconds, in which the clients of one wait: none share
// one, while there are enough.
void Supervisor::DealCpus() {
  if (generation_.config().workers.cpu_affinity == CpuAffinity::kNone) return;
  std::vector<Child*> sharers;
  for (auto& child : children_) {
    if (child->is_worker() && child->state == ChildState::kServing) sharers.push_back(child.get());
  }
  std::sort(sharers.begin(), sharers.end(),
            [](const Child* a, const Child* b) { return a->slot < b->slot; });
  const std::vector<int> allowed = AllowedCpus();
  for (size_t i = 0; i < sharers.size(); ++i) {
    Child& child = *sharers[i];
    std::vector<int> share = ShareOfCpus(allowed, i, sharers.size());
    if (child.cpus.empty() ? share == allowed : share == child.cpus) continue;
    proto::Command command;
    for (const int cpu : share) command.mutable_run_on()->add_cpus(static_cast<uint32_t>(cpu));
    child.cpus = std::move(share);
    Tell(child, command);
  }
}

void Supervisor::RetireReplaced(const Child& successor) {
  Child* const replaced = Find(successor.replaces);
  Find(successor.id)->replaces = ChildId{};
  if (replaced != nullptr) Apply(*replaced, ChildEvent::kDrain);
}

}  // namespace windlass
