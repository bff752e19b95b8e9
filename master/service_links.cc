// The part of master/service.h that says which workers give connections to which.
#include <algorithm>

#include "master/service.h"
#include "master/worker_links.h"

namespace windlass {
namespace {

constexpr absl::Duration kHeirsRetry = absl::Milliseconds(100);

}  // namespace

// The others have more than it.
void Service::OnWorkerServing(Supervisor* supervisor, Child* worker) {
  if (supervisor != current_.get() || !ServesClients(*supervisor)) return;
  for (const auto& child : supervisor->children()) {
    if (child.get() == worker || !child->is_worker()) continue;
    if (child->state != ChildState::kServing) continue;
    LinkWorkers(supervisor, child.get(), supervisor, worker, /*even_out=*/true);
    LinkWorkers(supervisor, worker, supervisor, child.get(),
                /*even_out=*/true);  // if too many come
  }
}

// However it came about: the fullest worker is joined with the emptiest.
void Service::EvenOut() {
  Child* fullest = nullptr;
  Child* emptiest = nullptr;
  uint64_t total = 0, workers = 0;
  const auto clients = [this](const Child& child) {
    return uint64_t{services_.board->slot(*child.slot).connections.load()};
  };
  for (const auto& child : current_->children()) {
    if (!child->is_worker() || child->state != ChildState::kServing) continue;
    total += clients(*child);
    ++workers;
    if (fullest == nullptr || clients(*child) > clients(*fullest)) fullest = child.get();
    if (emptiest == nullptr || clients(*child) < clients(*emptiest)) emptiest = child.get();
  }
  if (workers < 2 || !IsUneven(clients(*fullest), total, workers)) return;
  LinkWorkers(current_.get(), fullest, current_.get(), emptiest, /*even_out=*/true);
}

bool Service::ServesClients(const Supervisor& supervisor) const {
  return std::any_of(supervisor.children().begin(), supervisor.children().end(),
                     [this](const auto& child) {
                       return child->is_worker() && child->slot &&
                              services_.board->slot(*child->slot).connections.load() > 0;
                     });
}

// Whoever leaves must have somebody to give its clients to, also when that one leaves, too.
void Service::LinkLeaving() {
  for (Supervisor* supervisor : supervisors()) {
    for (const auto& child : supervisor->children()) {
      if (child->state != ChildState::kDraining || !child->moves) continue;
      const bool has_heir =
          std::any_of(child->heirs.begin(), child->heirs.end(), [this](const Child::Heir& heir) {
            const ProcessSlot& slot = services_.board->slot(heir.slot);
            return slot.state.load() == ProcessState::kServing &&
                   slot.incarnation.load() == heir.incarnation;
          });
      const Instant now = services_.timers->now();
      if (has_heir || now < child->heirs_sought + kHeirsRetry) continue;
      child->heirs_sought = now;
      child->heirs.clear();
      for (Child* heir : LeastLoadedWorkers(*current_, *services_.board, child.get())) {
        if (!LinkWorkers(supervisor, child.get(), current_.get(), heir, /*even_out=*/false)) break;
        child->heirs.push_back({*heir->slot, heir->incarnation});
      }
    }
  }
}

}  // namespace windlass
