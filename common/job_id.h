#ifndef WINDLASS_COMMON_JOB_ID_H_
#define WINDLASS_COMMON_JOB_ID_H_

#include <compare>
#include <cstdint>

namespace windlass {

// Which slot of the scoreboard a process has. Worker slots come first, a range of them for each
// generation; see common/scoreboard.h.
struct SlotIndex {
  uint32_t value = 0;
  friend constexpr auto operator<=>(SlotIndex, SlotIndex) = default;
};

// Names one job among all jobs of all workers: worker slot (10 bits), that slot's incarnation (14),
// sequence (40). The incarnation keeps a reply to a dead worker from its successor's clients. One
// word, so that it is stored by one atomic.
class JobId {
 public:
  static constexpr uint32_t kMaxSlots = 1u << 10;
  static constexpr uint32_t kIncarnations = 1u << 14;
  // Incarnations are 1 .. kIncarnations - 1, then 1 again: never 0, so that no id is a small number
  // (which a pool process's slot uses to say that it has no job).
  static constexpr uint32_t NextIncarnation(uint32_t incarnation) {
    return incarnation % (kIncarnations - 1) + 1;
  }

  constexpr JobId() = default;
  static constexpr JobId FromWord(uint64_t word) { return JobId(word); }
  // REQUIRES: slot < kMaxSlots, 0 < incarnation < kIncarnations.
  static constexpr JobId Make(SlotIndex slot, uint32_t incarnation, uint64_t sequence) {
    return JobId((uint64_t{slot.value} << 54) | (uint64_t{incarnation} << 40) |
                 (sequence & ((uint64_t{1} << 40) - 1)));
  }
  constexpr uint64_t word() const { return word_; }
  constexpr SlotIndex slot() const { return SlotIndex{static_cast<uint32_t>(word_ >> 54)}; }
  constexpr uint32_t incarnation() const {
    return static_cast<uint32_t>(word_ >> 40) % kIncarnations;
  }
  constexpr uint64_t sequence() const { return word_ & ((uint64_t{1} << 40) - 1); }
  friend constexpr bool operator==(JobId, JobId) = default;

 private:
  explicit constexpr JobId(uint64_t word) : word_(word) {}
  uint64_t word_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_JOB_ID_H_
