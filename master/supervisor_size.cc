// The half of master/supervisor.h that changes how many processes there are, and which.
#include <algorithm>

#include "common/cpu_affinity.h"
#include "common/log.h"
#include "common/posix.h"
#include "master/supervisor.h"

namespace windlass {

void Supervisor::ResizeWorkers(int workers) {
  wanted_workers_ = std::clamp(workers, 1, generation_.config().workers.max);
  if (state_ != State::kServing || !generation_.can_repair()) return;
  ResizeGroup({Role::kWorker, 0});
  DealCpus();
  UpdateState();
}

void Supervisor::ResizePool(uint32_t pool, int processes) {
  wanted_pools_[pool] = std::max(processes, 1);
  if (state_ != State::kServing || !generation_.can_repair()) return;
  ResizeGroup({Role::kPool, pool});
  UpdateState();
}

void Supervisor::ScalePools(Instant now) {
  if (state_ != State::kServing || !generation_.can_repair()) return;
  const GenerationPlace& place = generation_.place();
  for (uint32_t pool = 0; pool < scalers_.size(); ++pool) {
    if (!scalers_[pool]) continue;
    const int before = wanted_pools_[pool];
    const auto ready = std::count_if(children_.begin(), children_.end(), [pool](const auto& child) {
      return child->is_pool() && child->pool == pool && child->state == ChildState::kServing;
    });
    const PoolActivity activity = LookAtPool(*board_, generation_.number(), place.bay, pool);
    // What others may have is not for one that grows.
    const int room =
        std::min(generation_.config().master.max_processes - wanted_workers_ - wanted_pools(),
                 static_cast<int>(services_.pool_slots->available()));
    const int next = std::min(scalers_[pool]->Next(before, static_cast<int>(ready), activity, now),
                              before + std::max(0, room));
    if (next == before) continue;
    const std::string name = generation_.config().pools[pool].name;
    if (next > before) {
      LOG_LIMITED(INFO, scale_log_, now)
          << "pool " << name << ": " << next << " processes after " << before << ", jobs wait for "
          << absl::Trunc(scalers_[pool]->wait(), absl::Milliseconds(1));
    } else {
      LOG_LIMITED(INFO, scale_log_, now) << "pool " << name << ": " << next << " processes after "
                                         << before << ", the others had nothing to do";
    }
    ResizePool(pool, next);
  }
}

void Supervisor::ResizeGroup(const Group& group) {
  const int wanted = Wanted(group);
  auto have = std::count_if(children_.begin(), children_.end(), [&group](const auto& child) {
    return group.Has(*child) && child->counts();
  });
  for (; have < wanted; ++have) Apply(AddChild(group.role, group.pool), ChildEvent::kSpawnDue);
  for (; have > wanted; --have) {
    Child* const surplus = PickSurplus(group);
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
Child* Supervisor::PickSurplus(const Group& group) {
  Child* pick = nullptr;
  for (auto& child : children_) {
    if (!group.Has(*child) || !child->counts()) continue;
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
  for (const Group& group : Groups()) RecycleGroup(group, now);
  UpdateState();
}

void Supervisor::RecycleGroup(const Group& group, Instant now) {
  // Those that leave do not count, or one long job would hold up all others; unless they are many.
  int in_replacement = 0, leaving = 0;
  for (const auto& child : children_) {
    if (!group.Has(*child)) continue;
    if (child->replaces != ChildId{}) ++in_replacement;
    if (child->leaving()) ++leaving;
  }
  if (leaving >= Wanted(group)) return;
  const int most = MostReplacedAtOnce(Wanted(group));
  const size_t before = children_.size();
  for (size_t i = 0; i < before && in_replacement < most; ++i) {
    const Child& child = *children_[i];
    if (!group.Has(child) || child.state != ChildState::kServing) continue;
    if (!child.counts() || SuccessorOf(child) != nullptr) continue;
    const bool looks_at_memory = child.limits.memory_bytes != UINT64_MAX;
    const absl::string_view why =
        WhyRecycle(child.limits, now, board_->slot(*child.slot).jobs_done.load(),
                   looks_at_memory ? ResidentBytes(child.pid) : 0);
    if (why.empty()) continue;
    LOG_LIMITED(INFO, recycle_log_, now) << NameOf(child) << " (pid " << child.pid
                                         << ") has reached " << why << ": a successor is started";
    children_[i]->ends_by = why == kMemoryReached ? EndCause::kMemoryLimit : EndCause::kRecycle;
    Child& successor = AddChild(group.role, group.pool);
    successor.replaces = children_[i]->id;
    Apply(successor, ChildEvent::kSpawnDue);
    ++in_replacement;
  }
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
