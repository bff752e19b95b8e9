#ifndef WINDLASS_MASTER_CHILD_STATE_H_
#define WINDLASS_MASTER_CHILD_STATE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace windlass {

// The life of one place in the process table: a worker or a pool process, and whoever replaces it.
//
//              | kSpawnDue   kReady      kExited            kDeadline       kDrain
//   -----------+------------------------------------------------------------------------------
//   kWaiting   | kStarting                                                  kGone
//   kStarting  |             kServing    kWaiting/reschedule kKilled/kill   kDraining/tell
//   kServing   |                         kWaiting/reschedule                kDraining/tell
//   kKilled    |                         kWaiting/reschedule                kEnding
//   kDraining  |                         kGone              kEnding/kill    (again) /tell
//   kEnding    |                         kGone
//   kGone      |
//
// An empty cell: the event changes nothing.
enum class ChildState : uint8_t {
  kWaiting,   // no process; one is due at once or after a back-off
  kStarting,  // forked, has not said that it is ready
  kServing,
  kKilled,    // killed by us, to be replaced
  kDraining,  // told to finish
  kEnding,    // killed by us, not to be replaced
  kGone,      // no process, none wanted
};
enum class ChildEvent : uint8_t { kSpawnDue, kReady, kExited, kDeadline, kDrain };
enum class ChildAction : uint8_t { kNone, kSpawn, kReschedule, kKill, kTellDrain };

struct ChildDecision {
  ChildState next;
  ChildAction action = ChildAction::kNone;
};

// Pure: the table above.
ChildDecision DecideChild(ChildState state, ChildEvent event);
absl::string_view ChildStateName(ChildState state);

}  // namespace windlass

#endif  // WINDLASS_MASTER_CHILD_STATE_H_
