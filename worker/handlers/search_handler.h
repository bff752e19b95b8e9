#ifndef WINDLASS_WORKER_HANDLERS_SEARCH_HANDLER_H_
#define WINDLASS_WORKER_HANDLERS_SEARCH_HANDLER_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "windlass/handler.h"
#include "worker/handlers/json_content.h"

namespace windlass {

// `search`: {"action": "search", "value": V} is answered with the entry for V in a table: three
// built-in entries, or those of a JSON file, an object of strings, which replaces them.
class SearchHandler : public Handler {
 public:
  using Table = absl::flat_hash_map<std::string, std::string>;

  static Table DefaultTable();
  // Errors name the file: unreadable, no JSON object, or a value that is no string.
  static absl::StatusOr<Table> LoadTable(const std::string& path);

  // Option `table`: the file.
  absl::Status Preload(HandlerOptions& options, SharedArena& arena) override;
  absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) override;

 private:
  Table table_;  // fixed after Preload
  // Scratch reused between jobs.
  JsonContent json_;
  std::string answer_;
};

// The response to an action that names nothing, but for http: {"result": "Error: invalid action
// 'jump'."} and invalid_argument. `action` is what JsonContent::Text says of it.
std::string InvalidActionContent(absl::string_view action);

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_SEARCH_HANDLER_H_
