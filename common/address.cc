#include "common/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/posix.h"

namespace windlass {
namespace {

// The kernel keeps one byte for the terminating NUL.
constexpr size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path) - 1;

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("address '", text, "': ", why));
}

bool IsIpv4(const std::string& host) {
  in_addr parsed;
  return inet_pton(AF_INET, host.c_str(), &parsed) == 1;
}

// A zone ("%eth0") is left to getaddrinfo.
bool IsIpv6(const std::string& host) {
  in6_addr parsed;
  return inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &parsed) == 1;
}

bool LooksLikeName(absl::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
  });
}

bool LooksLikeNumber(absl::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.';
  });
}

absl::Status ParseUnixPath(absl::string_view path, ListenAddress* address) {
  if (!absl::StartsWith(path, "/")) return Bad(address->text, "the path must start with '/'");
  if (path.find('\0') != absl::string_view::npos) return Bad(address->text, "NUL in the path");
  if (path.size() > kMaxUnixPath) {
    return Bad(address->text,
               absl::StrCat("the path is ", path.size(),
                            " bytes long, and a unix socket can have at most ", kMaxUnixPath));
  }
  address->kind = ListenAddress::Kind::kUnix;
  address->path = std::string(path);
  return absl::OkStatus();
}

absl::Status ParseSystemdName(absl::string_view name, ListenAddress* address) {
  if (name.empty()) return Bad(address->text, "needs a name, as in systemd:web");
  if (absl::StrContains(name, ':')) {
    return Bad(address->text, "no ':' can be in the name of a socket (FileDescriptorName=)");
  }
  address->kind = ListenAddress::Kind::kSystemd;
  address->path = std::string(name);
  return absl::OkStatus();
}

absl::Status ParsePort(absl::string_view port, ListenAddress* address) {
  uint32_t number = 0;
  const bool digits =
      std::all_of(port.begin(), port.end(), [](unsigned char c) { return absl::ascii_isdigit(c); });
  if (port.empty() || !digits || !absl::SimpleAtoi(port, &number) || number > 65535) {
    return Bad(address->text, absl::StrCat("port '", port, "' is not a number from 0 to 65535"));
  }
  address->port = static_cast<uint16_t>(number);
  return absl::OkStatus();
}

absl::Status ParseHost(absl::string_view host, ListenAddress* address) {
  address->host = std::string(host);
  if (absl::StartsWith(host, "[")) {
    if (!absl::EndsWith(host, "]")) return Bad(address->text, "no ']' before the port");
    address->host = std::string(host.substr(1, host.size() - 2));
    if (!IsIpv6(address->host)) return Bad(address->text, "no IPv6 address between '[' and ']'");
    return absl::OkStatus();
  }
  if (absl::StrContains(host, ":")) {
    return Bad(address->text, "an IPv6 address is written in brackets, as in [::1]:65432");
  }
  if (!LooksLikeName(host)) {
    return Bad(address->text,
               "the host is no name and no IP address (for every interface, write :PORT)");
  }
  if (!host.empty() && LooksLikeNumber(host) && !IsIpv4(address->host)) {
    return Bad(address->text, "the host is no valid IPv4 address");
  }
  return absl::OkStatus();
}

absl::Status ParseTcp(absl::string_view text, ListenAddress* address) {
  const size_t colon = text.rfind(':');
  const size_t bracket = text.rfind(']');
  if (colon == absl::string_view::npos || (bracket != absl::string_view::npos && colon < bracket)) {
    return Bad(text, "needs a port, as in 127.0.0.1:65432");
  }
  const absl::Status host = ParseHost(text.substr(0, colon), address);
  return host.ok() ? ParsePort(text.substr(colon + 1), address) : host;
}

template <typename Sockaddr>
SocketAddress MakeSocketAddress(const Sockaddr& address, size_t length = sizeof(Sockaddr)) {
  SocketAddress result;
  static_assert(sizeof(address) <= sizeof(result.storage));
  std::memcpy(&result.storage, &address, length);
  result.length = static_cast<socklen_t>(length);
  return result;
}

absl::StatusOr<std::vector<SocketAddress>> ResolveUnix(const ListenAddress& address) {
  if (address.path.empty() || address.path.size() > kMaxUnixPath) {
    return Bad(address.text, "the path is empty or too long for a unix socket");
  }
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.path.data(), address.path.size());
  return std::vector<SocketAddress>{
      MakeSocketAddress(name, offsetof(sockaddr_un, sun_path) + address.path.size() + 1)};
}

absl::StatusOr<std::vector<SocketAddress>> EveryInterface(uint16_t port) {
  std::vector<SocketAddress> all;
  const absl::StatusOr<OwnedFd> probe = StreamSocket(AF_INET6);
  if (probe.ok()) {
    sockaddr_in6 v6 = {};  // all zero bits: in6addr_any
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    all.push_back(MakeSocketAddress(v6));
  } else if (!absl::IsUnimplemented(probe.status())) {  // not EAFNOSUPPORT: IPv6 must not be lost
                                                        // to a passing shortage
    return probe.status();
  }
  sockaddr_in v4 = {};  // INADDR_ANY
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  all.push_back(MakeSocketAddress(v4));
  return all;
}

void AddOnce(const addrinfo& found, std::vector<SocketAddress>* into) {
  SocketAddress address;
  if (found.ai_addrlen > sizeof(address.storage)) return;
  std::memcpy(&address.storage, found.ai_addr, found.ai_addrlen);
  address.length = found.ai_addrlen;
  const bool known = std::any_of(into->begin(), into->end(), [&](const SocketAddress& other) {
    return other.length == address.length &&
           std::memcmp(&other.storage, &address.storage, address.length) == 0;
  });
  if (!known) into->push_back(address);
}

// `host` empty: the loopback addresses (getaddrinfo's reading without AI_PASSIVE).
absl::StatusOr<std::vector<SocketAddress>> LookUp(const ListenAddress& address, int flags) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* host = address.host.empty() ? nullptr : address.host.c_str();
  const int error = getaddrinfo(host, absl::StrCat(address.port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("resolve '", address.host, "' of address '",
                                               address.text, "': ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  std::vector<SocketAddress> all;
  for (const addrinfo* next = found; next != nullptr; next = next->ai_next) AddOnce(*next, &all);
  return all;
}

absl::StatusOr<std::vector<SocketAddress>> ResolveHost(const ListenAddress& address, int flags) {
  // AI_ADDRCONFIG does not count loopback addresses: it would refuse [::1] on a host that has no
  // other IPv6 address.
  if (IsIpv4(address.host) || IsIpv6(address.host)) return LookUp(address, flags | AI_NUMERICHOST);
  absl::StatusOr<std::vector<SocketAddress>> found = LookUp(address, flags | AI_ADDRCONFIG);
  if (!found.ok()) found = LookUp(address, flags);
  if (found.ok() || address.host != "localhost") return found;
  // A bare system may have no /etc/hosts; RFC 6761 section 6.3: the name means loopback all the
  // same.
  ListenAddress loopback = address;
  loopback.host = "127.0.0.1";
  return LookUp(loopback, flags | AI_NUMERICHOST);
}

std::string FormatUnix(const SocketAddress& address) {
  sockaddr_un name = {};
  std::memcpy(&name, &address.storage, sizeof(name));
  const size_t start = offsetof(sockaddr_un, sun_path);
  if (address.length <= start) return "unix:";
  const size_t length = std::min<size_t>(address.length - start, sizeof(name.sun_path));
  if (name.sun_path[0] == '\0') {
    return absl::StrCat("unix:@", absl::string_view(name.sun_path + 1, length - 1));
  }
  return absl::StrCat("unix:", absl::string_view(name.sun_path, strnlen(name.sun_path, length)));
}

// "[0:0::1]" and "[::1]" are one host, as are "LocalHost" and "localhost".
std::string CanonicalHost(const std::string& host) {
  in6_addr parsed;
  std::array<char, INET6_ADDRSTRLEN> text;
  if (inet_pton(AF_INET6, host.c_str(), &parsed) == 1) {
    return inet_ntop(AF_INET6, &parsed, text.data(), text.size());
  }
  return absl::AsciiStrToLower(host);
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  ListenAddress address;
  address.text = std::string(text);
  absl::string_view rest = text;
  absl::Status status;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    status = ParseUnixPath(rest, &address);
  } else if (absl::ConsumePrefix(&rest, "systemd:")) {
    status = ParseSystemdName(rest, &address);
  } else {
    status = ParseTcp(text, &address);
  }
  if (!status.ok()) return status;
  return address;
}

absl::StatusOr<std::vector<SocketAddress>> ResolveListenAddress(const ListenAddress& address) {
  switch (address.kind) {
    case ListenAddress::Kind::kUnix:
      return ResolveUnix(address);
    case ListenAddress::Kind::kSystemd:
      return absl::UnimplementedError(
          absl::StrCat("address '", address.text, "' is a socket that systemd passes"));
    case ListenAddress::Kind::kTcp:
      if (address.host.empty()) return EveryInterface(address.port);
      return ResolveHost(address, AI_PASSIVE);
  }
  std::abort();  // not an enumerator: memory is corrupt
}

absl::StatusOr<std::vector<SocketAddress>> ResolveConnectAddress(absl::string_view text) {
  const absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
  if (!address.ok()) return address.status();
  if (address->kind != ListenAddress::Kind::kTcp) return ResolveListenAddress(*address);
  if (address->port == 0) return Bad(text, "port 0 cannot be connected to");
  if (address->host.empty()) return LookUp(*address, 0);
  return ResolveHost(*address, 0);
}

std::string FormatSocketAddress(const SocketAddress& address) {
  if (address.family() == AF_UNIX) return FormatUnix(address);
  std::array<char, NI_MAXHOST> host;
  std::array<char, NI_MAXSERV> port;
  if (getnameinfo(address.get(), address.length, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return absl::StrCat("(address of family ", address.family(), ")");
  }
  if (address.family() == AF_INET6) return absl::StrCat("[", host.data(), "]:", port.data());
  return absl::StrCat(host.data(), ":", port.data());
}

bool AddressesClash(const ListenAddress& a, const ListenAddress& b) {
  if (a.kind != b.kind) return false;
  if (a.kind != ListenAddress::Kind::kTcp) return a.path == b.path;
  if (a.port != b.port || a.port == 0) return false;
  return a.host.empty() || b.host.empty() || CanonicalHost(a.host) == CanonicalHost(b.host);
}

}  // namespace windlass
