#ifndef WINDLASS_MASTER_SLOT_POOL_H_
#define WINDLASS_MASTER_SLOT_POOL_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "common/job_id.h"
#include "common/log.h"

namespace windlass {

// Role: which of a range of scoreboard slots are taken. The lowest free one goes first, so that
// those who look at all slots in use look at few.
class SlotPool {
 public:
  SlotPool(uint32_t first, uint32_t count) : first_(first), taken_(count, false) {}

  std::optional<SlotIndex> Take() {
    for (uint32_t i = 0; i < taken_.size(); ++i) {
      if (taken_[i]) continue;
      taken_[i] = true;
      return SlotIndex{first_ + i};
    }
    return std::nullopt;
  }
  // For a process that is there already. REQUIRES: the slot is in the range and free.
  void Claim(SlotIndex slot) {
    CHECK(slot.value >= first_ && slot.value - first_ < taken_.size());
    CHECK(!taken_[slot.value - first_]);
    taken_[slot.value - first_] = true;
  }
  void Give(SlotIndex slot) { taken_[slot.value - first_] = false; }
  // All that are taken are in [first, first + this).
  uint32_t used() const {
    for (size_t i = taken_.size(); i > 0; --i) {
      if (taken_[i - 1]) return static_cast<uint32_t>(i);
    }
    return 0;
  }
  uint32_t available() const {
    uint32_t free = 0;
    for (const bool taken : taken_) free += taken ? 0u : 1u;
    return free;
  }

 private:
  const uint32_t first_;
  std::vector<bool> taken_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_SLOT_POOL_H_
