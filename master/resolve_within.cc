#include "master/resolve_within.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/posix.h"

namespace windlass {
namespace {

static_assert(std::is_trivially_copyable_v<SocketAddress>);
constexpr size_t kMostAddresses = 64;
constexpr int kAnswerBytes = 64 << 10;

// The child's answer is one packet: the code of the status, then its message or the addresses.
[[noreturn]] void ResolveAndAnswer(const ListenAddress& address, int channel) {
  const absl::StatusOr<std::vector<SocketAddress>> resolved = ResolveListenAddress(address);
  const auto code = static_cast<int32_t>(resolved.status().code());
  absl::string_view rest = resolved.status().message().substr(0, 4096);
  if (resolved.ok()) {
    const size_t count = std::min(resolved->size(), kMostAddresses);
    rest = {reinterpret_cast<const char*>(resolved->data()), count * sizeof(SocketAddress)};
  }
  const iovec pieces[] = {{const_cast<int32_t*>(&code), sizeof(code)},
                          {const_cast<char*>(rest.data()), rest.size()}};
  (void)SendPacket(channel, pieces);
  ::_exit(0);
}

absl::StatusOr<std::vector<SocketAddress>> ReadAnswer(const ListenAddress& address, int channel) {
  std::vector<char> buffer(sizeof(int32_t) + kMostAddresses * sizeof(SocketAddress));
  const iovec into = {buffer.data(), buffer.size()};
  const ReceivedPacket packet = ReceivePacket(channel, absl::MakeConstSpan(&into, 1), {});
  int32_t code = 0;
  if (packet.outcome != PacketOutcome::kDone || packet.bytes < sizeof(code)) {
    return absl::UnavailableError(
        absl::StrCat("resolve '", address.host, "': the process that looked it up died"));
  }
  std::memcpy(&code, buffer.data(), sizeof(code));
  const absl::string_view rest(buffer.data() + sizeof(code), packet.bytes - sizeof(code));
  if (code != 0) return absl::Status(static_cast<absl::StatusCode>(code), rest);
  std::vector<SocketAddress> addresses(rest.size() / sizeof(SocketAddress));
  std::memcpy(addresses.data(), rest.data(), addresses.size() * sizeof(SocketAddress));
  return addresses;
}

bool IsName(const ListenAddress& address) {
  return address.kind == ListenAddress::Kind::kTcp && !address.host.empty() &&
         address.host.find_first_not_of("0123456789.") != std::string::npos &&
         address.host.find(':') == std::string::npos;
}

}  // namespace

absl::StatusOr<std::vector<SocketAddress>> ResolveWithin(const ListenAddress& address,
                                                         absl::Duration limit) {
  if (!IsName(address)) return ResolveListenAddress(address);
  absl::StatusOr<PacketPair> channel = SeqPacketPair(kAnswerBytes);
  if (!channel.ok()) return channel.status();
  const absl::StatusOr<pid_t> pid = Fork();
  if (!pid.ok()) return pid.status();
  if (*pid == 0) ResolveAndAnswer(address, channel->send_end.get());
  channel->send_end.Reset();
  const Instant end = MonotonicNow() + limit;
  pollfd entry = {channel->receive_end.get(), POLLIN, 0};
  int ready = 0;
  for (Instant now = MonotonicNow(); ready == 0 && now < end; now = MonotonicNow()) {
    ready =
        Poll(absl::MakeSpan(&entry, 1), static_cast<int>(absl::ToInt64Milliseconds(end - now)) + 1)
            .value_or(-1);
  }
  // It is our unreaped child, so its pid is still its own.
  ::kill(*pid, SIGKILL);
  ReapStranger(*pid);
  if (ready > 0) return ReadAnswer(address, channel->receive_end.get());
  return absl::DeadlineExceededError(absl::StrCat("resolve '", address.host, "' of address '",
                                                  address.text, "': no answer within ",
                                                  absl::FormatDuration(limit)));
}

}  // namespace windlass
