#include "master/pool_activity.h"

#include <algorithm>

namespace windlass {
namespace {

constexpr uint64_t kPrime = 0x100000001b3;  // of FNV-1a

}  // namespace

PoolActivity LookAtPool(const Scoreboard& board, uint32_t generation, uint32_t bay, uint32_t pool) {
  PoolActivity activity;
  uint64_t out = 0;
  const SlotRange workers = board.WorkersOf(bay);
  for (uint32_t i = workers.first; i < workers.end; ++i) {
    const PoolLoad& load = board.slot(SlotIndex{i}).load[pool];
    out += load.jobs_out.load();
    activity.waiting += load.jobs_queued.load();
    const int64_t since = load.queued_since_ns.load();
    if (since != 0) activity.oldest = std::min(activity.oldest, Instant{since});
  }
  const SlotRange processes = board.PoolSlots();
  for (uint32_t i = processes.first; i < processes.end; ++i) {
    const SlotAssignment& assignment = board.assignment(SlotIndex{i});
    if (assignment.generation.load() != generation || assignment.pool.load() != pool) continue;
    const ProcessSlot& slot = board.slot(SlotIndex{i});
    if (slot.state.load() != ProcessState::kServing) continue;
    activity.members = (activity.members ^ (uint64_t{i} << 32 | slot.incarnation.load())) * kPrime;
    activity.done += slot.jobs_done.load();
    if (slot.job.load() > kSlotReceiving) ++activity.running;
  }
  activity.waiting += out > activity.running ? out - activity.running : 0;
  return activity;
}

}  // namespace windlass
