#include "master/child_state.h"

#include <cstdlib>

namespace windlass {

ChildDecision DecideChild(ChildState state, ChildEvent event) {
  switch (state) {
    case ChildState::kWaiting:
      if (event == ChildEvent::kSpawnDue) return {ChildState::kStarting, ChildAction::kSpawn};
      if (event == ChildEvent::kDrain) return {ChildState::kGone};
      return {state};
    case ChildState::kStarting:
      if (event == ChildEvent::kReady) return {ChildState::kServing};
      if (event == ChildEvent::kExited) return {ChildState::kWaiting, ChildAction::kReschedule};
      if (event == ChildEvent::kDeadline) return {ChildState::kKilled, ChildAction::kKill};
      if (event == ChildEvent::kDrain) return {ChildState::kDraining, ChildAction::kTellDrain};
      return {state};
    case ChildState::kServing:
      if (event == ChildEvent::kExited) return {ChildState::kWaiting, ChildAction::kReschedule};
      if (event == ChildEvent::kDrain) return {ChildState::kDraining, ChildAction::kTellDrain};
      return {state};
    case ChildState::kKilled:
      if (event == ChildEvent::kExited) return {ChildState::kWaiting, ChildAction::kReschedule};
      if (event == ChildEvent::kDrain) return {ChildState::kEnding};
      return {state};
    case ChildState::kDraining:
      if (event == ChildEvent::kExited) return {ChildState::kGone};
      if (event == ChildEvent::kDeadline) return {ChildState::kEnding, ChildAction::kKill};
      if (event == ChildEvent::kDrain) return {state, ChildAction::kTellDrain};
      return {state};
    case ChildState::kEnding:
      if (event == ChildEvent::kExited) return {ChildState::kGone};
      return {state};
    case ChildState::kGone:
      return {state};
  }
  std::abort();
}

absl::string_view ChildStateName(ChildState state) {
  constexpr absl::string_view kNames[] = {"waiting",  "starting", "serving", "killed",
                                          "draining", "ending",   "gone"};
  return kNames[static_cast<size_t>(state)];
}

}  // namespace windlass
