#include "master/blocked_answers.h"

namespace windlass {

uint32_t BlockedAnswers::TakeThoseWithRoom(absl::FunctionRef<bool(uint32_t pool)> has_room) {
  uint32_t taken = 0;
  for (uint32_t pool = 0; pools_ >> pool != 0; ++pool) {
    if ((pools_ >> pool & 1) != 0 && has_room(pool)) taken |= 1u << pool;
  }
  pools_ &= ~taken;
  if (pools_ == 0) since_ = Instant::Never();
  return taken;
}

bool BlockedAnswers::IsStuck(uint64_t progress, Instant now) {
  if (since_ == Instant::Never() || progress != progress_) {
    since_ = now;
    progress_ = progress;
    return false;
  }
  return now - since_ >= kStuckAfter;
}

}  // namespace windlass
