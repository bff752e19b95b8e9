#include "worker/io/fence.h"

#include "common/log.h"

namespace windlass {

void Fence::Request(absl::string_view cause) {
  state_ = State::kToSend;
  cause_ = std::string(cause);
}

void Fence::OnSent(JobId id, uint64_t order) {
  CHECK(state_ == State::kToSend);
  state_ = State::kSent;
  id_ = id;
  order_ = order;
}

void Fence::OnReceived() {
  CHECK(state_ == State::kSent);
  state_ = State::kReceived;
  seen_.clear();
  named_.clear();
}

bool Fence::Sample(const Scoreboard& board, uint32_t generation, uint32_t of) {
  CHECK(state_ == State::kReceived);
  const SlotRange pool = board.PoolSlots();
  seen_.resize(board.slots(), false);
  bool all_seen = true;
  for (uint32_t i = pool.first; i < pool.end; ++i) {
    if (seen_[i]) continue;
    const ProcessSlot& slot = board.slot(SlotIndex{i});
    // Whatever its pid: a word that the master has not cleared is a job that it has not settled.
    const SlotAssignment& assignment = board.assignment(SlotIndex{i});
    const bool is_pool = assignment.generation.load() == generation && assignment.pool.load() == of;
    const uint64_t job = slot.job.load();
    if (is_pool && job == kSlotReceiving) {
      all_seen = false;
      continue;
    }
    seen_[i] = true;
    if (is_pool && job != kSlotIdle) named_.insert(job);
  }
  return all_seen;
}

}  // namespace windlass
