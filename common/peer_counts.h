#ifndef WINDLASS_COMMON_PEER_COUNTS_H_
#define WINDLASS_COMMON_PEER_COUNTS_H_

#include <array>
#include <atomic>
#include <cstdint>

namespace windlass {

// How many connections each peer has with one worker: a count-min sketch (Cormode and Muthukrishnan
// 2005), in the scoreboard. A peer's count is the least of its counters, one in each row; others
// that share all of these make it look larger, never smaller. Written by that worker alone; zero
// when it is dead.
struct alignas(4096) PeerCounts {
  static constexpr uint32_t kRows = 2, kColumns = 1 << 15;
  std::array<std::array<std::atomic<uint16_t>, kColumns>, kRows> counts;
};
static_assert(std::atomic<uint16_t>::is_always_lock_free);

}  // namespace windlass

#endif  // WINDLASS_COMMON_PEER_COUNTS_H_
