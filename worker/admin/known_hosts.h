#ifndef WINDLASS_WORKER_ADMIN_KNOWN_HOSTS_H_
#define WINDLASS_WORKER_ADMIN_KNOWN_HOSTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/config.h"

namespace windlass {

// Role: says by which names clients may call the admin endpoint. A page of a stranger can make a
// browser ask under the stranger's own name, which it then lets lead to an address of ours (DNS
// rebinding), and the browser lets that page read the answer. An address is no such name, nor are
// localhost and names that an operator has chosen. Pure.
class KnownHosts {
 public:
  explicit KnownHosts(const AdminConfig& config);
  // `host` as in the header, with or without a port; "" (no header: no browser) is known.
  bool Knows(absl::string_view host) const;

 private:
  std::vector<std::string> names_;  // in lower case
  bool any_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_KNOWN_HOSTS_H_
