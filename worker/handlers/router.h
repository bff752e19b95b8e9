#ifndef WINDLASS_WORKER_HANDLERS_ROUTER_H_
#define WINDLASS_WORKER_HANDLERS_ROUTER_H_

#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/config.h"
#include "windlass/error_code.h"
#include "worker/handlers/json_content.h"

namespace windlass {

// What routing looks at.
struct RouteQuery {
  uint32_t listener = 0;      // index into Config::listeners
  absl::string_view handler;  // named by the request; "" = none
  absl::string_view content_type, content_encoding;
  bool big_endian = false;
  // The content, followed by 64 readable bytes; nullopt when it is not in one small piece.
  std::optional<absl::string_view> content;
};

struct Route {
  enum class Kind : uint8_t {
    kRun,            // handler `handler` runs in the pool
    kInline,         // echo of line and length: the worker answers by itself; `handler` is the echo
                     // of the configuration, or UINT32_MAX
    kStatic,         // handler `handler` is a `static` one: the worker answers by itself
    kResolve,        // the content decides, and only a pool process may parse it
    kRefuse,         // answer `code` with `message`
    kInvalidAction,  // answer invalid_argument with `message` as the content, in the form of a
                     // result
  };
  Kind kind = Kind::kRun;
  uint32_t handler = 0;  // index into Config::handlers
  ErrorCode code = ErrorCode::kOk;
  std::string message;
};

// Role: decides which handler a request is for (wire.md, "Routing"): the one it names; else the
// action of JSON content; else the one registered for its content type; else the listener's; else
// `binary`. In http the path has named it. Worker processes, which look into UTF-8 content of at
// most kMaxPeekBytes and leave the rest to the pool, and pool processes. Blocking: never.
class Router {
 public:
  static constexpr size_t kMaxPeekBytes = 16 << 10;

  // `config` must outlive this.
  explicit Router(const Config& config);
  Route Find(const RouteQuery& query);
  // The same in a pool process, for content of any size and charset; never answers kResolve or
  // kInline or kStatic.
  Route Resolve(const RouteQuery& query);
  // Into Config::handlers; UINT32_MAX: there is none of that name.
  uint32_t IndexOf(absl::string_view handler) const;

 private:
  Route Run(uint32_t handler) const;
  Route ByAction(const RouteQuery& query);
  Route ByTypeOrListener(const RouteQuery& query, bool is_json);

  const Config& config_;
  absl::flat_hash_map<std::string, uint32_t> by_name_, by_type_;
  JsonContent json_;  // scratch
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_ROUTER_H_
