#include "worker/admin/known_hosts.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace windlass {
namespace {

bool IsAddress(const std::string& host) {
  in_addr v4;
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return true;
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
  in6_addr v6;
  return ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6) == 1;
}

// "[::1]:9465" is "[::1]", "Example.com.:80" is "example.com".
std::string NameIn(absl::string_view host) {
  const size_t colon = host.rfind(':');
  const size_t bracket = host.rfind(']');
  const bool has_port = colon != absl::string_view::npos &&
                        (bracket == absl::string_view::npos || colon > bracket);
  if (has_port) host = host.substr(0, colon);
  absl::ConsumeSuffix(&host, ".");
  return absl::AsciiStrToLower(host);
}

}  // namespace

KnownHosts::KnownHosts(const AdminConfig& config) {
  names_.push_back("localhost");
  if (!config.address.host.empty()) names_.push_back(absl::AsciiStrToLower(config.address.host));
  for (const std::string& host : config.hosts) {
    if (host == "*") any_ = true;
    names_.push_back(absl::AsciiStrToLower(host));
  }
}

bool KnownHosts::Knows(absl::string_view host) const {
  if (host.empty() || any_) return true;
  const std::string name = NameIn(host);
  return IsAddress(name) || std::find(names_.begin(), names_.end(), name) != names_.end();
}

}  // namespace windlass
