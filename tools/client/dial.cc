#include "tools/client/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {
namespace {

std::string ConnectTo(const SocketAddress& address) {
  return absl::StrCat("connect ", FormatSocketAddress(address));
}

// The caller's vocabulary has one code for "no connection"; `status` has one per errno.
absl::Status NoConnection(const absl::Status& status, absl::string_view what) {
  const bool nobody_listens = status == absl::ErrnoToStatus(ECONNREFUSED, what) ||
                              status == absl::ErrnoToStatus(ENOENT, what);
  return absl::UnavailableError(
      absl::StrCat(status.message(), nobody_listens ? " - is windlassd running?" : ""));
}

absl::StatusOr<OwnedFd> DialOne(const SocketAddress& address, Instant deadline) {
  constexpr int kBacklogRetryMs = 10;
  for (;;) {
    absl::StatusOr<DialStart> start = StartConnect(address);
    if (!start.ok()) return start.status();
    if (start->outcome == DialOutcome::kConnected) return std::move(start->socket);
    const Instant now = MonotonicNow();
    if (now >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat(ConnectTo(address), ": timed out"));
    }
    pollfd entry = {start->socket.get(), POLLOUT, 0};  // poll ignores the -1 of kTryAgain
    const bool again = start->outcome == DialOutcome::kTryAgain;
    const int sleep_ms = SleepMs(now, deadline);
    const bool cut = again && (sleep_ms < 0 || sleep_ms > kBacklogRetryMs);
    const absl::StatusOr<int> ready =
        Poll(absl::MakeSpan(&entry, 1), cut ? kBacklogRetryMs : sleep_ms);
    if (!ready.ok()) return absl::UnavailableError(ready.status().message());
    if (again) continue;
    if (*ready == 0) {
      return absl::DeadlineExceededError(absl::StrCat(ConnectTo(address), ": timed out"));
    }
    if (absl::Status done = FinishConnect(start->socket.get(), address); !done.ok()) return done;
    return std::move(start->socket);
  }
}

}  // namespace

absl::StatusOr<std::vector<SocketAddress>> ResolveTarget(absl::string_view address) {
  absl::StatusOr<std::vector<SocketAddress>> found = ResolveConnectAddress(address);
  if (!found.ok()) {
    if (absl::IsUnavailable(found.status())) return found.status();
    return absl::InvalidArgumentError(found.status().message());
  }
  if (found->empty()) return absl::UnavailableError(absl::StrCat("resolve ", address, ": nothing"));
  return found;
}

absl::StatusOr<DialStart> StartConnect(const SocketAddress& address) {
  absl::StatusOr<OwnedFd> socket = StreamSocket(address.family());
  if (!socket.ok()) return absl::UnavailableError(socket.status().message());
  if (address.family() != AF_UNIX) {
    // Best effort: without it the connection is slower, not wrong.
    SetIntOption(socket->get(), IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY").IgnoreError();
  }
  const std::string what = ConnectTo(address);
  const absl::StatusOr<ConnectOutcome> outcome =
      ConnectSocket(socket->get(), address.get(), address.length, what);
  if (!outcome.ok()) {
    if (outcome.status() == absl::ErrnoToStatus(EAGAIN, what)) return DialStart{};
    return NoConnection(outcome.status(), what);
  }
  const bool connected = *outcome == ConnectOutcome::kConnected;
  return DialStart{connected ? DialOutcome::kConnected : DialOutcome::kInProgress,
                   *std::move(socket)};
}

absl::Status FinishConnect(int socket, const SocketAddress& address) {
  const std::string what = ConnectTo(address);
  const absl::Status error = TakeSocketError(socket, what);
  return error.ok() ? error : NoConnection(error, what);
}

absl::StatusOr<Dialed> Dial(const std::vector<SocketAddress>& addresses, Instant deadline) {
  absl::Status failure = absl::UnavailableError("no address to connect to");
  for (const SocketAddress& address : addresses) {
    absl::StatusOr<OwnedFd> socket = DialOne(address, deadline);
    if (socket.ok()) return Dialed{*std::move(socket), address};
    failure = socket.status();
    if (absl::IsDeadlineExceeded(failure)) break;  // nothing is left for the others
  }
  return failure;
}

int SleepMs(Instant now, Instant deadline) {
  if (deadline == Instant::Never()) return -1;
  const int64_t ns = std::max<int64_t>(deadline.ns - now.ns, 0);
  constexpr int64_t kLongestMs =
      1'000'000;  // fits an int; whoever sleeps that long just looks again
  return static_cast<int>(std::min((ns + 999'999) / 1'000'000, kLongestMs));
}

}  // namespace windlass
