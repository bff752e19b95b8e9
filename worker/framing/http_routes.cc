#include "worker/framing/http_routes.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace windlass {

HttpRoutes::HttpRoutes(const std::map<std::string, std::string>& routes, std::string otherwise)
    : otherwise_(std::move(otherwise)) {
  for (const auto& [path, handler] : routes) {
    absl::string_view prefix = path;
    if (absl::ConsumeSuffix(&prefix, "*")) {
      prefixes_.push_back({std::string(prefix), handler});
    } else {
      exact_.emplace(path, handler);
    }
  }
  std::stable_sort(prefixes_.begin(), prefixes_.end(),
                   [](const Prefix& a, const Prefix& b) { return a.path.size() > b.path.size(); });
}

absl::string_view HttpRoutes::HandlerOf(absl::string_view path) const {
  if (!exact_.empty()) {
    if (const auto found = exact_.find(path); found != exact_.end()) return found->second;
  }
  absl::string_view name = path;
  if (absl::ConsumePrefix(&name, "/h/")) return name;
  for (const Prefix& prefix : prefixes_) {
    if (absl::StartsWith(path, prefix.path)) return prefix.handler;
  }
  return otherwise_;
}

}  // namespace windlass
