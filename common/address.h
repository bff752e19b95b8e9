#ifndef WINDLASS_COMMON_ADDRESS_H_
#define WINDLASS_COMMON_ADDRESS_H_

#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/config.h"

// Addresses as people write them, and the socket addresses they stand for:
//   127.0.0.1:65432   [::1]:65432   :65432   localhost:65432   unix:/run/windlass/app.sock
//   systemd:NAME
// Errors: InvalidArgument names the address and what is wrong with it.

namespace windlass {

// Checks the form only. Blocking: never. A unix path must be absolute and fit into sockaddr_un.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;

  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Every socket address to bind for `address`, without repetition. An empty host is [::] (to be
// bound with IPV6_V6ONLY) and 0.0.0.0, or 0.0.0.0 alone where the kernel has no IPv6. Unavailable:
// the name does not resolve (now). Unimplemented: systemd:NAME. Blocking: a host name asks the
// resolver, which may take as long as DNS does.
absl::StatusOr<std::vector<SocketAddress>> ResolveListenAddress(const ListenAddress& address);

// What a client tries, in this order, to reach `text`: the same forms, but an empty host is the
// loopback addresses, and port 0 is refused. Blocking: as above.
absl::StatusOr<std::vector<SocketAddress>> ResolveConnectAddress(absl::string_view text);

// "127.0.0.1:65432", "[::1]:65432", "unix:/path", "unix:" (unnamed), "unix:@name" (abstract).
// Blocking: never.
std::string FormatSocketAddress(const SocketAddress& address);

// Whether binding both is bound to fail: the same unix path, or the same port of the same host or
// with one of them on every interface. Port 0 never clashes. By text and number only: names are not
// resolved. Blocking: never.
bool AddressesClash(const ListenAddress& a, const ListenAddress& b);

}  // namespace windlass

#endif  // WINDLASS_COMMON_ADDRESS_H_
