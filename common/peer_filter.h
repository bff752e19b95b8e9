#ifndef WINDLASS_COMMON_PEER_FILTER_H_
#define WINDLASS_COMMON_PEER_FILTER_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace windlass {

// Who may connect: listener.allow. Entries are, for clients from the network, an address or a block
// of them ("10.0.0.0/8", "192.0.2.7", "fd00::/8", RFC 4632 and 4291); for those of unix sockets, a
// user or a group, by number or name ("uid:1000", "uid:www-data", "gid:33"). An address of IPv4
// that came as one of IPv6 (::ffff:10.0.0.1) is one of IPv4. No entry at all allows everybody; no
// entry for their kind of address allows nobody.
class PeerFilter {
 public:
  PeerFilter() = default;
  // Errors: InvalidArgument, with text that says which entry and why. Blocking: names are looked up
  // in the user database.
  static absl::StatusOr<PeerFilter> Parse(absl::Span<const std::string> entries);

  static PeerFilter Nobody();

  bool allows_all() const { return allows_all_; }
  // Who is at the other end of the socket. False, too, when it has just gone. Blocking: never.
  bool Allows(int socket) const;
  bool AllowsAddress(const sockaddr* address) const;  // of IPv4 or IPv6
  bool AllowsUser(uid_t user, absl::Span<const gid_t> groups) const;

 private:
  // The first `bits` of 16 bytes; addresses of IPv4 are written as ::ffff:A.B.C.D.
  struct Block {
    uint8_t bytes[16] = {};
    int bits = 0;
  };
  absl::Status Add(absl::string_view entry);
  absl::Status AddBlock(absl::string_view entry);

  bool allows_all_ = true;
  std::vector<Block> blocks_;
  std::vector<uid_t> users_;
  std::vector<gid_t> groups_;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_PEER_FILTER_H_
