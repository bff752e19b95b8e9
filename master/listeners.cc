#include "master/listeners.h"

#include <netinet/in.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/posix.h"
#include "common/unix_path.h"

namespace windlass {
namespace {

// Whether somebody answers at a unix path that is in the way.
absl::Status ReplaceStalePath(const std::string& path, const SocketAddress& address,
                              const std::string& what) {
  absl::StatusOr<OwnedFd> probe = StreamSocket(AF_UNIX);
  if (!probe.ok()) return probe.status();
  const absl::StatusOr<bool> answered =
      SomebodyListens(probe->get(), address.get(), address.length);
  if (!answered.ok()) {
    return absl::Status(answered.status().code(),
                        absl::StrCat(what, ": ", answered.status().message()));
  }
  if (*answered) {
    return absl::AlreadyExistsError(absl::StrCat(what, ": another server is listening there"));
  }
  return RemoveSocketFile(path);  // refuses to remove what is no socket
}

}  // namespace

ListenerSet::~ListenerSet() { Close(); }

absl::StatusOr<ListenerSet> ListenerSet::Bind(const Config& config, const ListenerSet* former) {
  ListenerSet set;
  const std::vector<Bound> none;
  const std::vector<Bound>& before = former == nullptr ? none : former->bound_;
  std::vector<bool> claimed(before.size(), false);
  // Keeps the sockets of one former listener for which `is_same` holds.
  const auto keep = [&](const ListenerConfig& listener, uint32_t index,
                        auto is_same) -> absl::StatusOr<bool> {
    std::optional<uint32_t> former_listener;
    for (size_t i = 0; i < before.size(); ++i) {
      if (claimed[i] || !is_same(before[i])) continue;
      if (former_listener && *former_listener != before[i].listener) continue;
      former_listener = before[i].listener;
      claimed[i] = true;
      absl::Status added = set.AddKept(listener, index, before[i], static_cast<int>(i));
      if (!added.ok()) return added;
    }
    return former_listener.has_value();
  };
  for (uint32_t i = 0; i < config.listeners.size(); ++i) {
    const ListenerConfig& listener = config.listeners[i];
    const absl::StatusOr<bool> kept =
        keep(listener, i, [&](const Bound& bound) { return bound.text == listener.address.text; });
    if (!kept.ok()) return kept.status();
    if (*kept) continue;
    const absl::StatusOr<std::vector<SocketAddress>> addresses =
        ResolveListenAddress(listener.address);
    if (!addresses.ok()) return addresses.status();
    for (SocketAddress address : *addresses) {
      // "localhost:0" has two addresses: the port that the kernel picked for the first serves for
      // all.
      const bool is_first = set.bound_.empty() || set.bound_.back().listener != i;
      if (!is_first) CopyPort(set.bound_.back().fd.get(), &address);
      // Written otherwise, but the same address.
      const std::string name = FormatSocketAddress(address);
      const absl::StatusOr<bool> same =
          keep(listener, i, [&](const Bound& bound) { return bound.address == name; });
      if (!same.ok()) return same.status();
      if (*same) continue;
      absl::StatusOr<Bound> bound = BindOne(listener, i, address);
      if (!bound.ok()) return bound.status();
      set.bound_.push_back(*std::move(bound));
    }
  }
  return set;
}

absl::Status ListenerSet::AddKept(const ListenerConfig& config, uint32_t index, const Bound& former,
                                  int former_index) {
  absl::StatusOr<OwnedFd> fd = Duplicate(former.fd.get());
  if (!fd.ok()) return fd.status();
  bound_.push_back({*std::move(fd), index, former.address, config.address.text, former.unix_path,
                    /*owns_path=*/false, former_index, config});
  return absl::OkStatus();
}

absl::StatusOr<ListenerSet::Bound> ListenerSet::BindOne(const ListenerConfig& config,
                                                        uint32_t index,
                                                        const SocketAddress& address) {
  const std::string what = absl::StrCat("bind ", FormatSocketAddress(address));
  const bool is_unix = address.family() == AF_UNIX;
  if (is_unix) {
    if (absl::Status ready = ReplaceStalePath(config.address.path, address, what); !ready.ok())
      return ready;
  }
  absl::StatusOr<OwnedFd> fd = StreamSocket(address.family());
  if (!fd.ok()) return fd.status();
  if (!is_unix) {
    absl::Status reuse = SetIntOption(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    if (!reuse.ok()) return reuse;
  }
  if (address.family() == AF_INET6) {
    absl::Status only = SetIntOption(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
    if (!only.ok()) return only;
  }
  if (absl::Status bound = BindSocket(fd->get(), address.get(), address.length, what); !bound.ok())
    return bound;
  Bound made{*std::move(fd), index, "",    config.address.text, is_unix ? config.address.path : "",
             is_unix,        -1,    config};
  const absl::Status listens = BeginListening(config, is_unix, address, &made);
  if (listens.ok()) return made;
  if (is_unix) (void)RemoveSocketFile(config.address.path);  // nobody is behind it
  return listens;
}

absl::Status ListenerSet::BeginListening(const ListenerConfig& config, bool is_unix,
                                         const SocketAddress& address, Bound* bound) {
  if (is_unix) {
    // Before listening: nobody connects under other permissions than those asked for.
    absl::Status owned =
        SetSocketFileAccess(config.address.path, config.mode, config.owner, config.group);
    if (!owned.ok()) return owned;
  }
  const std::string listening = absl::StrCat("listen ", FormatSocketAddress(address));
  absl::Status listens = StartListening(bound->fd.get(), config.backlog, listening);
  if (!listens.ok()) return listens;
  SocketAddress local;
  const absl::StatusOr<sockaddr_storage> actual = LocalAddress(bound->fd.get(), &local.length);
  if (!actual.ok()) return actual.status();
  local.storage = *actual;
  bound->address = FormatSocketAddress(local);
  return absl::OkStatus();
}

ListenerSet& ListenerSet::operator=(ListenerSet&& other) noexcept {
  if (this == &other) return *this;
  Close();
  bound_ = std::exchange(other.bound_, {});
  return *this;
}

absl::StatusOr<ListenerSet> ListenerSet::Adopt(const proto::UpgradeState::Generation& state,
                                               const Config& config) {
  ListenerSet set;
  for (const proto::UpgradeState::Listener& listener : state.listeners()) {
    if (listener.listener() >= config.listeners.size()) {
      return absl::InvalidArgumentError("a listening socket of no listener");
    }
    const ListenerConfig& mine = config.listeners[listener.listener()];
    set.bound_.push_back({OwnedFd(listener.fd()), listener.listener(), listener.address(),
                          mine.address.text, listener.unix_path(), listener.owns_path(), -1, mine});
  }
  return set;
}

void ListenerSet::Describe(proto::UpgradeState::Generation* state) const {
  for (const Bound& bound : bound_) {
    proto::UpgradeState::Listener& listener = *state->add_listeners();
    listener.set_fd(bound.fd.get());
    listener.set_listener(bound.listener);
    listener.set_address(bound.address);
    listener.set_unix_path(bound.unix_path);
    listener.set_owns_path(bound.owns_path);
  }
}

std::vector<ListenSocket> ListenerSet::sockets() const {
  std::vector<ListenSocket> sockets;
  for (const Bound& bound : bound_)
    sockets.push_back({bound.fd.get(), bound.listener, bound.address});
  return sockets;
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
