#ifndef WINDLASS_TOOLS_BENCH_LOAD_CONNECTION_H_
#define WINDLASS_TOOLS_BENCH_LOAD_CONNECTION_H_

#include <cstdint>

#include "common/clock.h"
#include "tools/bench/answer_reader.h"
#include "tools/bench/request_queue.h"
#include "windlass/owned_fd.h"

namespace windlass {

// One connection of a load run: plain state, moved on by LoadGenerator alone.
//   kDown -> kConnecting -> kOpen -> kClosing -> kDown; from everywhere to kDown when it breaks.
struct LoadConnection {
  enum class Phase : uint8_t {
    kDown,        // no socket; waits for its turn to connect, not before `since`
    kConnecting,  // since `since`
    kOpen,
    kClosing,  // since `since`, the server is about to close: nothing more is sent
  };

  explicit LoadConnection(uint32_t pipeline) : queue(pipeline) {}

  bool HasRoom() const { return phase == Phase::kOpen && !queue.full(); }

  Phase phase = Phase::kDown;
  bool waits_for_room = false;  // is in the generator's list of connections with room
  bool dirty = false;           // has requests that were not tried to send yet
  bool blocked = false;         // the socket takes no more; wait for writable
  bool answered = false;        // since it was connected
  Instant since;
  OwnedFd socket;
  RequestQueue queue;
  AnswerReader reader;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_LOAD_CONNECTION_H_
