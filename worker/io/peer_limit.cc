#include "worker/io/peer_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/strip.h"

namespace windlass {
namespace {

constexpr size_t kBlockBytes = 8;  // of IPv6: a /64

// The bytes by which a client is known; "": it is none of the network.
std::string BlockOf(absl::string_view peer) {
  const size_t colon = peer.rfind(':');
  if (colon == absl::string_view::npos) return "";
  absl::string_view host = peer.substr(0, colon);
  in_addr v4;
  in6_addr v6;
  const auto bytes = [](const void* data, size_t size) {
    return std::string(static_cast<const char*>(data), size);
  };
  if (!absl::ConsumePrefix(&host, "[")) {
    return ::inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 ? bytes(&v4, sizeof(v4)) : "";
  }
  if (!absl::ConsumeSuffix(&host, "]")) return "";
  const size_t zone = host.find('%');
  if (::inet_pton(AF_INET6, std::string(host.substr(0, zone)).c_str(), &v6) != 1) return "";
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return bytes(v6.s6_addr + 12, sizeof(v4));
  return bytes(&v6, kBlockBytes);
}

}  // namespace

void PeerLimit::Lease::Reset() {
  PeerCounts* const counts = std::exchange(counts_, nullptr);
  if (counts == nullptr) return;
  for (uint32_t row = 0; row < PeerCounts::kRows; ++row) {
    std::atomic<uint16_t>& count = counts->counts[row][columns_[row]];
    count.store(static_cast<uint16_t>(count.load(std::memory_order_relaxed) - 1),
                std::memory_order_relaxed);
  }
}

PeerLimit::PeerLimit(const ProcessSetup& setup) : board_(*setup.scoreboard) {
  if (setup.slot.value >= board_.worker_slots()) return;  // the admin process
  absl::StatusOr<Fingerprinter> made = Fingerprinter::FromSecret(setup.fingerprint_secret);
  if (!made.ok()) return;
  fingerprinter_ = *made;
  own_ = &setup.scoreboard->MutablePeerCounts(setup.slot);
}

std::optional<PeerLimit::Lease::Columns> PeerLimit::ColumnsOf(absl::string_view peer,
                                                              absl::string_view listener) const {
  if (!fingerprinter_) return std::nullopt;
  std::string key = BlockOf(peer);
  if (key.empty()) return std::nullopt;
  key.append(listener.data(), listener.size());
  const Fingerprint hash = fingerprinter_->Of(key);
  return Lease::Columns{static_cast<uint32_t>(hash.high % PeerCounts::kColumns),
                        static_cast<uint32_t>(hash.low % PeerCounts::kColumns)};
}

uint32_t PeerLimit::CountOf(const Lease::Columns& columns) const {
  uint32_t least = UINT32_MAX;
  for (uint32_t row = 0; row < PeerCounts::kRows; ++row) {
    uint32_t sum = 0;
    for (uint32_t bay = 0; bay < ScoreboardHeader::kBays; ++bay) {
      const SlotRange workers = board_.WorkersOf(bay);
      for (uint32_t i = workers.first; i < workers.end; ++i) {
        sum += board_.peer_counts(SlotIndex{i})
                   .counts[row][columns[row]]
                   .load(std::memory_order_relaxed);
      }
    }
    least = std::min(least, sum);
  }
  return least;
}

PeerLimit::Lease PeerLimit::Enter(const Lease::Columns& columns) {
  for (uint32_t row = 0; row < PeerCounts::kRows; ++row) {
    if (own_->counts[row][columns[row]].load(std::memory_order_relaxed) == UINT16_MAX) return {};
  }
  for (uint32_t row = 0; row < PeerCounts::kRows; ++row) {
    std::atomic<uint16_t>& count = own_->counts[row][columns[row]];
    count.store(static_cast<uint16_t>(count.load(std::memory_order_relaxed) + 1),
                std::memory_order_relaxed);
  }
  return {own_, columns};
}

std::optional<PeerLimit::Lease> PeerLimit::Admit(absl::string_view peer, absl::string_view listener,
                                                 int most) {
  const std::optional<Lease::Columns> columns = ColumnsOf(peer, listener);
  if (!columns) return Lease();
  if (CountOf(*columns) >= static_cast<uint32_t>(most)) return std::nullopt;
  return Enter(*columns);
}

PeerLimit::Lease PeerLimit::Take(absl::string_view peer, absl::string_view listener) {
  const std::optional<Lease::Columns> columns = ColumnsOf(peer, listener);
  return columns ? Enter(*columns) : Lease();
}

}  // namespace windlass
