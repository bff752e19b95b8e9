#ifndef WINDLASS_WORKER_IO_CONN_STATE_H_
#define WINDLASS_WORKER_IO_CONN_STATE_H_

#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "common/selector.h"

namespace windlass {

// What a connection does with its client's bytes. Answers go out in every state but the last two.
enum class ConnState : uint8_t {
  kReadingFrames,     // cutting requests out of the input
  kReceivingContent,  // large content goes straight into request memory
  kAwaitingMemory,    // large content waits for the payload budget; not reading
  kSkippingContent,   // content of a refused request is read and dropped
  kAtLimit,           // too many requests in flight or too many unsent bytes; not reading
  kHalfClosed,        // the client has sent all it will; answers are still due
  kFinishing,         // no more requests are taken; closes after the answers that are due
  kQuiescing,         // takes no more requests here; moves to another worker when all are answered
  kMoving,            // offered to another worker, which has not answered; nothing is watched
  kLingering,  // our side is shut; waits for the client to close, so that a reset cannot destroy
               // answers
  kClosed,
};

constexpr absl::string_view ConnStateName(ConnState state) {
  constexpr absl::string_view kNames[] = {
      "reading-frames", "receiving-content", "awaiting-memory", "skipping-content",
      "at-limit",       "half-closed",       "finishing",       "quiescing",
      "moving",         "lingering",         "closed"};
  return kNames[static_cast<size_t>(state)];
}

// Pure. Which changes of state make sense.
constexpr bool CanEnter(ConnState from, ConnState to) {
  switch (from) {
    case ConnState::kReadingFrames:
      return to != ConnState::kReadingFrames && to != ConnState::kAwaitingMemory &&
             to != ConnState::kMoving;
    case ConnState::kReceivingContent:
      return to != ConnState::kReceivingContent && to != ConnState::kAtLimit &&
             to != ConnState::kMoving;
    case ConnState::kAwaitingMemory:
      return to == ConnState::kReceivingContent || to == ConnState::kSkippingContent ||
             to == ConnState::kFinishing || to == ConnState::kQuiescing || to == ConnState::kClosed;
    case ConnState::kSkippingContent:
      return to == ConnState::kReadingFrames || to == ConnState::kHalfClosed ||
             to == ConnState::kFinishing || to == ConnState::kQuiescing || to == ConnState::kClosed;
    case ConnState::kAtLimit:
      return to == ConnState::kReadingFrames || to == ConnState::kFinishing ||
             to == ConnState::kQuiescing || to == ConnState::kClosed || to == ConnState::kLingering;
    case ConnState::kHalfClosed:
      return to == ConnState::kMoving || to == ConnState::kClosed;
    case ConnState::kFinishing:
      return to == ConnState::kMoving || to == ConnState::kLingering || to == ConnState::kClosed;
    case ConnState::kQuiescing:
      return to == ConnState::kMoving || to == ConnState::kReadingFrames ||
             to == ConnState::kSkippingContent || to == ConnState::kFinishing ||
             to == ConnState::kLingering || to == ConnState::kClosed;
    case ConnState::kMoving:
      return to == ConnState::kQuiescing || to == ConnState::kHalfClosed ||
             to == ConnState::kFinishing || to == ConnState::kClosed;
    case ConnState::kLingering:
      return to == ConnState::kClosed;
    case ConnState::kClosed:
      return false;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

// Pure. What the selector watches: reading by state, writing while the kernel would take no more.
constexpr uint32_t ConnInterest(ConnState state, bool output_blocked) {
  const uint32_t write = output_blocked ? kWritable : 0u;
  switch (state) {
    case ConnState::kReadingFrames:
    case ConnState::kReceivingContent:
    case ConnState::kSkippingContent:
      return kReadable | write;
    case ConnState::kAwaitingMemory:
    case ConnState::kAtLimit:
    case ConnState::kHalfClosed:  // the end of the stream would be reported for ever
    case ConnState::kFinishing:
    case ConnState::kQuiescing:
      return write;
    case ConnState::kLingering:
      return kReadable;
    case ConnState::kMoving:
    case ConnState::kClosed:
      return 0;
  }
  std::abort();
}

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_CONN_STATE_H_
