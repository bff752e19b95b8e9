#ifndef WINDLASS_WORKER_FRAMING_HTTP_ROUTES_H_
#define WINDLASS_WORKER_FRAMING_HTTP_ROUTES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace windlass {

// Role: which handler a path is for: the one that `routes` gives it; else /h/NAME is handler NAME;
// else the longest `routes` pattern that ends with * and fits; else `otherwise`. Blocking: never.
class HttpRoutes {
 public:
  // Of a path or of a pattern: "/upload", "/files/*".
  HttpRoutes(const std::map<std::string, std::string>& routes, std::string otherwise);

  // "" = none. `path` is decoded. Valid while *this and `path` are.
  absl::string_view HandlerOf(absl::string_view path) const;

 private:
  struct Prefix {
    std::string path;
    std::string handler;
  };
  absl::flat_hash_map<std::string, std::string> exact_;
  std::vector<Prefix> prefixes_;  // the longest first
  std::string otherwise_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_HTTP_ROUTES_H_
