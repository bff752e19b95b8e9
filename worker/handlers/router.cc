#include "worker/handlers/router.h"

#include "absl/strings/str_cat.h"
#include "worker/handlers/charset.h"
#include "worker/handlers/search_handler.h"

namespace windlass {
namespace {

constexpr absl::string_view kJsonType = "text/json";

Route Refuse(ErrorCode code, std::string message) {
  return {Route::Kind::kRefuse, 0, code, std::move(message)};
}

Route InvalidAction(absl::string_view action) {
  return {Route::Kind::kInvalidAction, 0, ErrorCode::kInvalidArgument,
          InvalidActionContent(action)};
}

// What a client sent, in an error message: bounded, because it comes back in every answer.
absl::string_view Shortened(absl::string_view text) { return text.substr(0, 128); }

}  // namespace

Route Router::Run(uint32_t handler) const {
  const bool is_static = config_.handlers[handler].builtin == "static";
  return {is_static ? Route::Kind::kStatic : Route::Kind::kRun, handler, ErrorCode::kOk, {}};
}

Router::Router(const Config& config) : config_(config) {
  for (uint32_t i = 0; i < config.handlers.size(); ++i) {
    by_name_.emplace(config.handlers[i].name, i);
    if (!config.handlers[i].content_type.empty())
      by_type_.emplace(config.handlers[i].content_type, i);
  }
}

Route Router::Find(const RouteQuery& query) {
  const ListenerConfig& listener = config_.listeners[query.listener];
  if (listener.protocol == Protocol::kHttp) {
    const auto found = by_name_.find(query.handler);
    if (found != by_name_.end()) return Run(found->second);
    if (query.handler.empty()) return Refuse(ErrorCode::kNotFound, "nothing is at this path");
    return Refuse(ErrorCode::kNotFound,
                  absl::StrCat("no handler '", Shortened(query.handler), "'"));
  }
  if (listener.protocol != Protocol::kMessage) {
    const auto found = by_name_.find(listener.handler.empty() ? "echo" : listener.handler);
    const bool is_echo =
        found == by_name_.end() || config_.handlers[found->second].builtin == "echo";
    if (!is_echo) return Run(found->second);
    const uint32_t handler = found == by_name_.end() ? UINT32_MAX : found->second;
    return {Route::Kind::kInline, handler, ErrorCode::kOk, {}};
  }
  if (!query.handler.empty()) {
    const auto found = by_name_.find(query.handler);
    if (found != by_name_.end()) return Run(found->second);
    return Refuse(ErrorCode::kNotFound,
                  absl::StrCat("no handler '", Shortened(query.handler), "'"));
  }
  if (query.content_type != kJsonType) return ByTypeOrListener(query, /*is_json=*/false);
  const bool may_look = query.content && query.content->size() <= kMaxPeekBytes &&
                        IsUtf8Charset(query.content_encoding);
  if (!may_look) return {Route::Kind::kResolve, 0, ErrorCode::kOk, {}};
  return ByAction(query);
}

uint32_t Router::IndexOf(absl::string_view handler) const {
  const auto found = by_name_.find(handler);
  return found == by_name_.end() ? UINT32_MAX : found->second;
}

Route Router::Resolve(const RouteQuery& query) {
  Route route = ByAction(query);
  if (route.kind == Route::Kind::kStatic) route.kind = Route::Kind::kRun;
  return route;
}

Route Router::ByAction(const RouteQuery& query) {
  const absl::Status parsed = json_.Parse(*query.content, query.content_encoding, query.big_endian);
  if (!parsed.ok()) return Refuse(ErrorCode::kInvalidArgument, std::string(parsed.message()));
  if (!json_.Has("action")) return ByTypeOrListener(query, /*is_json=*/true);
  const std::optional<absl::string_view> action = json_.String("action");
  const auto found = action ? by_name_.find(*action) : by_name_.end();
  if (found == by_name_.end()) return InvalidAction(json_.Text("action"));
  return Run(found->second);
}

Route Router::ByTypeOrListener(const RouteQuery& query, bool is_json) {
  const auto typed = by_type_.find(query.content_type);
  if (typed != by_type_.end()) return Run(typed->second);
  const std::string& fallback = config_.listeners[query.listener].handler;
  if (fallback.empty() && is_json) return InvalidAction("None");
  const auto found = by_name_.find(fallback.empty() ? "binary" : fallback);
  if (found != by_name_.end()) return Run(found->second);
  return Refuse(ErrorCode::kNotFound, "no handler for this content-type");
}

}  // namespace windlass
