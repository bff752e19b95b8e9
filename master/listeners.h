#ifndef WINDLASS_MASTER_LISTENERS_H_
#define WINDLASS_MASTER_LISTENERS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/address.h"
#include "common/config.h"
#include "common/process_setup.h"
#include "master/passed_sockets.h"
#include "proto/upgrade.pb.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: the listening sockets of one configuration, bound with SO_REUSEADDR before any fork and
// inherited by all workers. Master. Owns the sockets, and the paths of unix sockets, which it
// removes. A unix path that exists is probed: refused means stale, and it is replaced; answered
// means that another server lives there, which is an error. An address that the former
// configuration listens on is kept: the same socket, with the clients that wait in its queue.
// Sockets that systemd passed are taken by name (systemd:NAME), and instead of binding where one is
// bound to the address already; their backlog and their path stay as their unit says.
// Blocking: a host name that is new is looked up for at most 3 s. Errors name what was being
// bound, and leave the former sockets as they were.
class ListenerSet {
 public:
  // `former`: what is served now; null: nothing. Port 0 is the same where it is written the same.
  static absl::StatusOr<ListenerSet> Bind(absl::Span<const ListenerConfig> listeners,
                                          const ListenerSet* former, const PassedSockets& passed);
  // What a former binary bound for `listeners`, in its place.
  using State = google::protobuf::RepeatedPtrField<proto::UpgradeState::Listener>;
  static absl::StatusOr<ListenerSet> Adopt(const State& state,
                                           absl::Span<const ListenerConfig> listeners);
  void Describe(State* state) const;
  ListenerSet(ListenerSet&&) = default;
  ListenerSet& operator=(ListenerSet&& other) noexcept;
  ~ListenerSet();

  // Valid while this is.
  std::vector<ListenSocket> sockets() const;
  size_t size() const { return bound_.size(); }
  // Those of sockets() that systemd passed: they outlive the server, and so does their queue.
  std::vector<uint32_t> passed() const;
  // Stops listening in this process and removes unix paths; workers hold their own copies.
  void Close();
  // `successor`, made with this as its former, serves from now on: paths that it kept are its to
  // remove. Returns which of sockets() it kept.
  std::vector<uint32_t> HandOverTo(ListenerSet* successor);

 private:
  struct Bound {
    OwnedFd fd;
    uint32_t listener;
    std::string address;
    std::string text;        // as configured
    std::string unix_path;   // "" for TCP
    bool owns_path = false;  // false as well: the former set still does
    bool passed = false;     // systemd's
    int kept_from = -1;      // index in the former set
    ListenerConfig config;
  };
  class Binder;
  ListenerSet() = default;

  std::vector<Bound> bound_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_LISTENERS_H_
