#include "master/listeners.h"

#include <utility>

#include "common/log.h"
#include "common/posix.h"
#include "common/unix_path.h"

namespace windlass {

ListenerSet::~ListenerSet() { Close(); }

ListenerSet& ListenerSet::operator=(ListenerSet&& other) noexcept {
  if (this == &other) return *this;
  Close();
  bound_ = std::exchange(other.bound_, {});
  return *this;
}

absl::StatusOr<ListenerSet> ListenerSet::Adopt(const State& state,
                                               absl::Span<const ListenerConfig> listeners) {
  ListenerSet set;
  for (const proto::UpgradeState::Listener& listener : state) {
    if (listener.listener() >= listeners.size()) {
      return absl::InvalidArgumentError("a listening socket of no listener");
    }
    const ListenerConfig& mine = listeners[listener.listener()];
    set.bound_.push_back({OwnedFd(listener.fd()), listener.listener(), listener.address(),
                          mine.address.text, listener.unix_path(), listener.owns_path(),
                          listener.passed(), -1, mine});
  }
  return set;
}

void ListenerSet::Describe(State* state) const {
  for (const Bound& bound : bound_) {
    proto::UpgradeState::Listener& listener = *state->Add();
    listener.set_fd(bound.fd.get());
    listener.set_listener(bound.listener);
    listener.set_address(bound.address);
    listener.set_unix_path(bound.unix_path);
    listener.set_owns_path(bound.owns_path);
    listener.set_passed(bound.passed);
  }
}

std::vector<ListenSocket> ListenerSet::sockets() const {
  std::vector<ListenSocket> sockets;
  for (const Bound& bound : bound_)
    sockets.push_back({bound.fd.get(), bound.listener, bound.address});
  return sockets;
}

std::vector<uint32_t> ListenerSet::passed() const {
  std::vector<uint32_t> indices;
  for (uint32_t i = 0; i < bound_.size(); ++i) {
    if (bound_[i].passed) indices.push_back(i);
  }
  return indices;
}

void ListenerSet::Close() {
  for (const Bound& bound : bound_) {
    if (bound.owns_path) (void)RemoveSocketFile(bound.unix_path);
  }
  bound_.clear();
}

std::vector<uint32_t> ListenerSet::HandOverTo(ListenerSet* successor) {
  std::vector<uint32_t> kept;
  for (Bound& heir : successor->bound_) {
    if (heir.kept_from < 0) continue;
    Bound& mine = bound_[static_cast<size_t>(heir.kept_from)];
    kept.push_back(static_cast<uint32_t>(heir.kept_from));
    heir.kept_from = -1;
    heir.owns_path = std::exchange(mine.owns_path, false);
    if (heir.passed) continue;  // it is as its unit says
    // What the new configuration says of the same socket. It works as it is, so no error ends here.
    absl::Status changed = StartListening(heir.fd.get(), heir.config.backlog, "listen");
    if (changed.ok() && heir.owns_path) {
      changed = SetSocketFileAccess(heir.unix_path, heir.config.mode, heir.config.owner,
                                    heir.config.group);
    }
    if (!changed.ok()) LOG(ERROR) << heir.address << ": " << changed.ToString();
  }
  return kept;
}

}  // namespace windlass
