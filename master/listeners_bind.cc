// The part of master/listeners.h that finds a socket for every address of a configuration: kept
// from the former one, passed by systemd, or bound.
#include <netinet/in.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/posix.h"
#include "common/unix_path.h"
#include "master/listeners.h"
#include "master/resolve_within.h"

namespace windlass {
namespace {

// For each name. Well below what a unit's WatchdogSec= allows.
constexpr absl::Duration kResolveLimit = absl::Seconds(3);

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

// Whether a listening socket of IPv6 takes clients of IPv4, too, as systemd's do by default.
bool IsDualStack(int fd, const std::string& address) {
  return absl::string_view(address).substr(0, 5) == "[::]:" &&
         GetIntOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY").value_or(1) == 0;
}

bool IsEveryIpv4(const SocketAddress& address) {
  return address.family() == AF_INET &&
         reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr.s_addr == INADDR_ANY;
}

}  // namespace

// Builds one set; each step adds sockets to it or fails.
class ListenerSet::Binder {
 public:
  Binder(const ListenerSet* former, const PassedSockets& passed)
      : former_(former == nullptr ? none_ : former->bound_),
        passed_(passed),
        claimed_(former_.size(), false) {}

  absl::Status AddListener(const ListenerConfig& config, uint32_t index) {
    config_ = &config;
    index_ = index;
    first_ = set_.bound_.size();
    const absl::StatusOr<bool> kept =
        Keep([&](const Bound& bound) { return bound.text == config.address.text; });
    if (!kept.ok() || *kept) return kept.status();
    if (config.address.kind == ListenAddress::Kind::kSystemd) return AddNamed();
    const absl::StatusOr<std::vector<SocketAddress>> addresses =
        ResolveWithin(config.address, kResolveLimit);
    if (!addresses.ok()) return addresses.status();
    for (const SocketAddress& address : *addresses) {
      if (absl::Status added = AddAddress(address); !added.ok()) return added;
    }
    return absl::OkStatus();
  }
  ListenerSet Take() { return std::move(set_); }

 private:
  absl::Status AddNamed() {
    const std::vector<const PassedSocket*> named = passed_.Named(config_->address.path);
    if (named.empty()) {
      return absl::NotFoundError(
          absl::StrCat("address '", config_->address.text,
                       "': systemd passed no socket of that name (it passed: ", passed_.Names(),
                       "); is the socket unit active?"));
    }
    for (const PassedSocket* socket : named) {
      if (absl::Status added = AddPassed(*socket); !added.ok()) return added;
    }
    return absl::OkStatus();
  }

  absl::Status AddAddress(SocketAddress address) {
    const bool is_first = set_.bound_.size() == first_;
    // "localhost:0" has two addresses: the port that the kernel picked for the first serves for
    // all.
    if (!is_first) CopyPort(set_.bound_.back().fd.get(), &address);
    if (!is_first && IsEveryIpv4(address) &&
        IsDualStack(set_.bound_.back().fd.get(), set_.bound_.back().address)) {
      return absl::OkStatus();
    }
    // Written otherwise, but the same address.
    const std::string name = FormatSocketAddress(address);
    const absl::StatusOr<bool> kept =
        Keep([&](const Bound& bound) { return bound.address == name; });
    if (!kept.ok() || *kept) return kept.status();
    if (const PassedSocket* passed = passed_.At(name); passed != nullptr) {
      return AddPassed(*passed);
    }
    const absl::Status bound = BindOne(address);
    return bound.ok() ? bound : WithHint(bound, name);
  }

  // The reason may be a socket of systemd's with the same port.
  absl::Status WithHint(const absl::Status& status, const std::string& address) const {
    const std::string port = address.substr(address.rfind(':') + 1);
    for (const PassedSocket& socket : passed_.all()) {
      if (!absl::EndsWith(socket.address, ":" + port)) continue;
      return absl::Status(status.code(), absl::StrCat(status.message(), "; systemd passed socket '",
                                                      socket.name, "' bound to ", socket.address,
                                                      ": to use it, the addresses must be equal"));
    }
    return status;
  }

  // The sockets of one former listener for which `is_same` holds; false: there are none.
  template <typename Predicate>
  absl::StatusOr<bool> Keep(Predicate is_same) {
    std::optional<uint32_t> former_listener;
    for (size_t i = 0; i < former_.size(); ++i) {
      if (claimed_[i] || !is_same(former_[i])) continue;
      if (former_listener && *former_listener != former_[i].listener) continue;
      former_listener = former_[i].listener;
      claimed_[i] = true;
      Bound kept;
      kept.address = former_[i].address;
      kept.unix_path = former_[i].unix_path;
      kept.passed = former_[i].passed;
      kept.kept_from = static_cast<int>(i);
      if (absl::Status added = Add(std::move(kept), former_[i].fd.get()); !added.ok()) return added;
    }
    return former_listener.has_value();
  }

  absl::Status AddPassed(const PassedSocket& socket) {
    for (const Bound& other : set_.bound_) {
      if (!other.passed || other.address != socket.address) continue;
      return absl::AlreadyExistsError(absl::StrCat("address '", config_->address.text,
                                                   "' and address '", other.text,
                                                   "' are the same socket of systemd"));
    }
    Bound bound;
    bound.address = socket.address;
    bound.passed = true;
    return Add(std::move(bound), socket.fd);
  }

  // `fd` is duplicated, unless the socket has one of its own.
  absl::Status Add(Bound bound, int fd) {
    if (!bound.fd.valid()) {
      absl::StatusOr<OwnedFd> copy = Duplicate(fd);
      if (!copy.ok()) return copy.status();
      bound.fd = *std::move(copy);
    }
    bound.listener = index_;
    bound.text = config_->address.text;
    bound.config = *config_;
    set_.bound_.push_back(std::move(bound));
    return absl::OkStatus();
  }

  absl::Status BindOne(const SocketAddress& address) {
    const std::string what = absl::StrCat("bind ", FormatSocketAddress(address));
    const bool is_unix = address.family() == AF_UNIX;
    if (is_unix) {
      if (absl::Status ready = ReplaceStalePath(config_->address.path, address, what); !ready.ok())
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
    if (absl::Status bound = BindSocket(fd->get(), address.get(), address.length, what);
        !bound.ok())
      return bound;
    Bound made;
    made.fd = *std::move(fd);
    made.unix_path = is_unix ? config_->address.path : "";
    made.owns_path = is_unix;
    if (absl::Status listens = BeginListening(address, &made); !listens.ok()) {
      if (is_unix) (void)RemoveSocketFile(config_->address.path);  // nobody is behind it
      return listens;
    }
    return Add(std::move(made), -1);
  }

  absl::Status BeginListening(const SocketAddress& address, Bound* bound) {
    if (bound->owns_path) {
      // Before listening: nobody connects under other permissions than those asked for.
      absl::Status owned =
          SetSocketFileAccess(config_->address.path, config_->mode, config_->owner, config_->group);
      if (!owned.ok()) return owned;
    }
    const std::string listening = absl::StrCat("listen ", FormatSocketAddress(address));
    absl::Status listens = StartListening(bound->fd.get(), config_->backlog, listening);
    if (!listens.ok()) return listens;
    SocketAddress local;
    const absl::StatusOr<sockaddr_storage> actual = LocalAddress(bound->fd.get(), &local.length);
    if (!actual.ok()) return actual.status();
    local.storage = *actual;
    bound->address = FormatSocketAddress(local);
    return absl::OkStatus();
  }

  // Fixed after construction.
  const std::vector<Bound> none_;
  const std::vector<Bound>& former_;
  const PassedSockets& passed_;
  // Working state.
  std::vector<bool> claimed_;  // of the former
  ListenerSet set_;
  // The listener that is being added.
  const ListenerConfig* config_ = nullptr;
  uint32_t index_ = 0;
  size_t first_ = 0;  // of its sockets
};

absl::StatusOr<ListenerSet> ListenerSet::Bind(absl::Span<const ListenerConfig> listeners,
                                              const ListenerSet* former,
                                              const PassedSockets& passed) {
  Binder binder(former, passed);
  for (uint32_t i = 0; i < listeners.size(); ++i) {
    if (absl::Status added = binder.AddListener(listeners[i], i); !added.ok()) return added;
  }
  return binder.Take();
}

}  // namespace windlass
