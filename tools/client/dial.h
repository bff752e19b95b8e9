#ifndef WINDLASS_TOOLS_CLIENT_DIAL_H_
#define WINDLASS_TOOLS_CLIENT_DIAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/address.h"
#include "common/clock.h"
#include "windlass/owned_fd.h"

// Making connections. Errors, everywhere here: InvalidArgument (the address), Unavailable (no
// connection; one line that names the address and the reason), DeadlineExceeded.

namespace windlass {

// As ResolveConnectAddress, in the error vocabulary above. Never empty. Blocking: a host name asks
// the resolver.
absl::StatusOr<std::vector<SocketAddress>> ResolveTarget(absl::string_view address);

enum class DialOutcome : uint8_t {
  kConnected,
  kInProgress,  // wait for writable, then FinishConnect
  kTryAgain,    // the backlog of a unix socket is full; no socket was made
};
struct DialStart {
  DialOutcome outcome = DialOutcome::kTryAgain;
  OwnedFd socket;
};
// Begins a connection; TCP_NODELAY where there is TCP. Blocking: never.
absl::StatusOr<DialStart> StartConnect(const SocketAddress& address);
// After kInProgress and readiness: whether it worked. Blocking: never.
absl::Status FinishConnect(int socket, const SocketAddress& address);

struct Dialed {
  OwnedFd socket;
  SocketAddress address;  // the one that took it
};
// A connection to the first of `addresses` that takes one. Blocking: until `deadline`.
absl::StatusOr<Dialed> Dial(const std::vector<SocketAddress>& addresses, Instant deadline);

// Milliseconds from now until `deadline` for a selector: rounded up, at least 0, -1 for Never.
int SleepMs(Instant now, Instant deadline);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_DIAL_H_
