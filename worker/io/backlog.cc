#include "worker/io/backlog.h"

namespace windlass {

Backlog::~Backlog() {
  while (turn_ != nullptr) {
    BacklogLane* const lane = turn_;
    turn_ = lane->next == lane ? nullptr : lane->next;
    lane->prev->next = lane->next;
    lane->next->prev = lane->prev;
    delete lane;
  }
}

void Backlog::Push(Exchange* exchange, BacklogLane** lane) {
  if (*lane == nullptr) {
    BacklogLane* const added = *lane = new BacklogLane;
    ++lanes_;
    if (turn_ == nullptr) {
      turn_ = added->next = added->prev = added;
    } else {  // last in the round: just before whose turn it is
      added->next = turn_;
      added->prev = turn_->prev;
      added->prev->next = turn_->prev = added;
    }
  }
  exchange->lane_next = nullptr;
  exchange->lane_prev = (*lane)->last;
  ((*lane)->last == nullptr ? (*lane)->first : (*lane)->last->lane_next) = exchange;
  (*lane)->last = exchange;
  ++size_;
}

void Backlog::PushFirst(Exchange* exchange, BacklogLane** lane) {
  PushAhead(exchange, lane);
  turn_ = *lane;
}

void Backlog::PushAhead(Exchange* exchange, BacklogLane** lane) {
  if (*lane == nullptr) return Push(exchange, lane);
  exchange->lane_prev = nullptr;
  exchange->lane_next = (*lane)->first;
  (*lane)->first->lane_prev = exchange;
  (*lane)->first = exchange;
  ++size_;
}

void Backlog::PopNext(BacklogLane** lane) {
  turn_ = turn_->next;
  Remove((*lane)->first, lane);
}

void Backlog::Remove(Exchange* exchange, BacklogLane** lane) {
  BacklogLane* const from = *lane;
  (exchange->lane_prev == nullptr ? from->first : exchange->lane_prev->lane_next) =
      exchange->lane_next;
  (exchange->lane_next == nullptr ? from->last : exchange->lane_next->lane_prev) =
      exchange->lane_prev;
  exchange->lane_next = exchange->lane_prev = nullptr;
  --size_;
  if (from->first != nullptr) return;
  if (turn_ == from) turn_ = from->next == from ? nullptr : from->next;
  from->prev->next = from->next;
  from->next->prev = from->prev;
  delete from;
  *lane = nullptr;
  --lanes_;
}

void Backlog::ForEach(absl::FunctionRef<void(const Exchange&)> visit) const {
  const BacklogLane* lane = turn_;
  while (lane != nullptr) {
    for (const Exchange* e = lane->first; e != nullptr; e = e->lane_next) visit(*e);
    lane = lane->next == turn_ ? nullptr : lane->next;
  }
}

}  // namespace windlass
