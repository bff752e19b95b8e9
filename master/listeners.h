#ifndef WINDLASS_MASTER_LISTENERS_H_
#define WINDLASS_MASTER_LISTENERS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/address.h"
#include "common/config.h"
#include "common/owned_fd.h"
#include "common/process_setup.h"

namespace windlass {

// Role: the listening sockets of one configuration, bound with SO_REUSEADDR before any fork and
// inherited by all workers. Master. Owns the sockets, and the paths of unix sockets, which it
// removes. A unix path that exists is probed: refused means stale, and it is replaced; answered
// means that another server lives there, which is an error. Blocking: resolving a host name, as
// long as DNS does. Errors name what was being bound.
class ListenerSet {
 public:
  static absl::StatusOr<ListenerSet> Bind(const Config& config);
  ListenerSet(ListenerSet&&) = default;
  ListenerSet& operator=(ListenerSet&&) = default;
  ~ListenerSet();

  // Valid while this is.
  std::vector<ListenSocket> sockets() const;
  // Stops listening in this process and removes unix paths; workers hold their own copies.
  void Close();

 private:
  struct Bound {
    OwnedFd fd;
    uint32_t listener;
    std::string address;
    std::string unix_path;  // "" for TCP
  };
  ListenerSet() = default;
  static absl::StatusOr<Bound> BindOne(const ListenerConfig& config, uint32_t index,
                                       const SocketAddress& address);

  std::vector<Bound> bound_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_LISTENERS_H_
