#include "worker/io/payload_pool.h"

#include <algorithm>

#include "common/byte_buffer.h"
#include "common/log.h"

namespace windlass {
namespace {

// Memory is accounted for in steps of this, or of so much of a small budget.
constexpr uint64_t kStepBytes = 1 << 20;
constexpr uint64_t kStepsOfBudget = 16;
constexpr size_t kMaxFree = 8;
constexpr absl::Duration kTrimAfter = absl::Seconds(5);

}  // namespace

PayloadPool::PayloadPool(const Scoreboard& board, Word<uint64_t>* own_bytes, uint64_t pool_key,
                         uint64_t budget_bytes, TimerWheel* timers)
    : board_(board),
      pool_key_(pool_key),
      own_bytes_(own_bytes),
      budget_bytes_(budget_bytes),
      timers_(timers),
      trim_(this) {}

std::unique_ptr<RequestBuffer> PayloadPool::Take(uint64_t bytes) {
  const uint64_t capacity = PayloadCapacityFor(bytes + ByteBuffer::kPadding);
  for (size_t i = free_.size(); i-- > 0;) {
    if (free_[i]->capacity() != capacity) continue;
    std::unique_ptr<RequestBuffer> buffer = std::move(free_[i]);
    free_.erase(free_.begin() + static_cast<ptrdiff_t>(i));
    return buffer;
  }
  absl::StatusOr<std::unique_ptr<RequestBuffer>> made = RequestBuffer::Create(capacity);
  return made.ok() ? *std::move(made) : nullptr;
}

bool PayloadPool::Grow(RequestBuffer* buffer, uint64_t bytes) {
  if (bytes <= buffer->touched) return true;
  const uint64_t step = std::clamp<uint64_t>(budget_bytes_ / kStepsOfBudget, 4096, kStepBytes);
  const uint64_t target = std::min((bytes + step - 1) / step * step, buffer->capacity());
  if (!Claim(target - buffer->touched)) return false;
  buffer->touched = target;
  return true;
}

// First claim, then look: two workers may both step back, never both pass.
bool PayloadPool::Claim(uint64_t bytes) {
  own_bytes_->fetch_add(bytes);
  while (board_.PayloadBytes(pool_key_) > budget_bytes_ / 2) {
    if (!free_.empty()) {
      Drop(std::move(free_.back()));
      free_.pop_back();
      continue;
    }
    own_bytes_->fetch_sub(bytes);
    return false;
  }
  return true;
}

bool PayloadPool::TakeOver(RequestBuffer* buffer, PayloadPool* from) {
  if (!Claim(buffer->touched)) return false;
  from->own_bytes_->fetch_sub(buffer->touched);
  buffer->is_shared = true;
  return true;
}

void PayloadPool::Recycle(std::unique_ptr<RequestBuffer> buffer) {
  if (buffer == nullptr) return;
  // Kept for the next request, unless memory is getting short: then another process may need it.
  if (buffer->is_shared || board_.PayloadBytes(pool_key_) > budget_bytes_ / 4) {
    return Drop(std::move(buffer));
  }
  free_.push_back(std::move(buffer));
  if (free_.size() > kMaxFree) {
    Drop(std::move(free_.front()));
    free_.erase(free_.begin());
  }
  timers_->Arm(&trim_, timers_->now() + kTrimAfter);
}

void PayloadPool::Drop(std::unique_ptr<RequestBuffer> buffer) {
  own_bytes_->fetch_sub(buffer->touched);
}

void PayloadPool::OnTimer(Timer*, Instant) {
  while (!free_.empty()) {
    Drop(std::move(free_.back()));
    free_.pop_back();
  }
}

}  // namespace windlass
