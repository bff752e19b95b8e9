#include "common/peer_filter.h"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr int kMappedBits = 96;  // of ::ffff:0:0/96
constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr size_t kMostGroups = 64;  // of a client that are looked at; more is no client's

void WriteMapped(const in_addr& address, uint8_t* bytes) {
  std::memcpy(bytes, kMapped, sizeof(kMapped));
  std::memcpy(bytes + sizeof(kMapped), &address, sizeof(address));
}

bool SameBits(const uint8_t* a, const uint8_t* b, int bits) {
  const auto whole = static_cast<size_t>(bits / 8);
  if (std::memcmp(a, b, whole) != 0) return false;
  const int rest = bits % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

absl::Status Wrong(absl::string_view entry, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("\"", entry, "\" ", why));
}

std::optional<uid_t> FindUser(const std::string& name) {
  uid_t id = 0;
  if (absl::SimpleAtoi(name, &id)) return id;
  const passwd* const user = ::getpwnam(name.c_str());
  if (user == nullptr) return std::nullopt;
  return user->pw_uid;
}

std::optional<gid_t> FindGroup(const std::string& name) {
  gid_t id = 0;
  if (absl::SimpleAtoi(name, &id)) return id;
  const group* const found = ::getgrnam(name.c_str());
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

}  // namespace

absl::StatusOr<PeerFilter> PeerFilter::Parse(absl::Span<const std::string> entries) {
  PeerFilter filter;
  for (const std::string& entry : entries) {
    if (absl::Status added = filter.Add(entry); !added.ok()) return added;
  }
  return filter;
}

PeerFilter PeerFilter::Nobody() {
  PeerFilter nobody;
  nobody.allows_all_ = false;
  return nobody;
}

absl::Status PeerFilter::Add(absl::string_view entry) {
  allows_all_ = false;
  absl::string_view name = entry;
  if (absl::ConsumePrefix(&name, "uid:")) {
    const std::optional<uid_t> user = FindUser(std::string(name));
    if (!user) return Wrong(entry, "is no user here");
    users_.push_back(*user);
    return absl::OkStatus();
  }
  if (absl::ConsumePrefix(&name, "gid:")) {
    const std::optional<gid_t> group = FindGroup(std::string(name));
    if (!group) return Wrong(entry, "is no group here");
    groups_.push_back(*group);
    return absl::OkStatus();
  }
  return AddBlock(entry);
}

absl::Status PeerFilter::AddBlock(absl::string_view entry) {
  const std::vector<std::string> parts = absl::StrSplit(entry, absl::MaxSplits('/', 1));
  Block block;
  in_addr v4 = {};
  const bool is_v4 = ::inet_pton(AF_INET, parts[0].c_str(), &v4) == 1;
  if (is_v4) {
    WriteMapped(v4, block.bytes);
  } else if (::inet_pton(AF_INET6, parts[0].c_str(), block.bytes) != 1) {
    return Wrong(entry, "is neither an address (10.0.0.0/8, ::1) nor uid:USER nor gid:GROUP");
  }
  const int most = is_v4 ? 32 : 128;
  int bits = most;
  if (parts.size() == 2 && (!absl::SimpleAtoi(parts[1], &bits) || bits < 0 || bits > most)) {
    return Wrong(entry, absl::StrCat("must end with /0 to /", most));
  }
  block.bits = is_v4 ? kMappedBits + bits : bits;
  for (int bit = block.bits; bit < 128; ++bit) {
    // Somebody has meant something else.
    if ((block.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return Wrong(entry, absl::StrCat("has bits set beyond the first ", bits));
    }
  }
  blocks_.push_back(block);
  return absl::OkStatus();
}

bool PeerFilter::AllowsAddress(const sockaddr* address) const {
  if (allows_all_) return true;
  uint8_t bytes[16] = {};
  // ::/0 is all of IPv6, and nothing of IPv4.
  int least_bits = 0;
  if (address->sa_family == AF_INET) {
    WriteMapped(reinterpret_cast<const sockaddr_in*>(address)->sin_addr, bytes);
  } else if (address->sa_family == AF_INET6) {
    std::memcpy(bytes, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, 16);
  } else {
    return false;
  }
  if (std::memcmp(bytes, kMapped, sizeof(kMapped)) == 0) least_bits = kMappedBits;
  return std::any_of(blocks_.begin(), blocks_.end(), [&](const Block& block) {
    return block.bits >= least_bits && SameBits(block.bytes, bytes, block.bits);
  });
}

bool PeerFilter::AllowsUser(uid_t user, absl::Span<const gid_t> groups) const {
  if (allows_all_ || std::find(users_.begin(), users_.end(), user) != users_.end()) return true;
  return std::any_of(groups.begin(), groups.end(), [this](gid_t group) {
    return std::find(groups_.begin(), groups_.end(), group) != groups_.end();
  });
}

bool PeerFilter::Allows(int socket) const {
  if (allows_all_) return true;
  socklen_t length = 0;
  const absl::StatusOr<sockaddr_storage> peer = PeerAddress(socket, &length);
  if (!peer.ok()) return false;
  if (peer->ss_family != AF_UNIX) {
    return AllowsAddress(reinterpret_cast<const sockaddr*>(&*peer));
  }
  const absl::StatusOr<PeerCredentials> who = PeerOf(socket);
  if (!who.ok()) return false;
  gid_t groups[kMostGroups + 1] = {who->group};
  socklen_t bytes = kMostGroups * sizeof(gid_t);
  size_t count = 1;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &bytes) == 0) {
    count += bytes / sizeof(gid_t);
  }
  return AllowsUser(who->user, absl::MakeConstSpan(groups, count));
}

}  // namespace windlass
