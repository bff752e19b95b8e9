#include "common/builtin_handlers.h"

#include <algorithm>

namespace windlass {

std::vector<std::string> Builtin::OptionNames() const {
  std::vector<std::string> names;
  for (const BuiltinOption& option : options) names.push_back(option.name);
  return names;
}

const std::vector<Builtin>& Builtins() {
  static const auto& builtins = *new std::vector<Builtin>{
      {"search",
       true,
       "looks a value up in a table",
       {{"table", false, "path of a JSON file that replaces the built-in table"}},
       /*idempotent=*/true,
       /*json=*/true},
      {"binary", true, "answers with the first 10 bytes", {}},
      {"echo", true, "answers with the request", {}},
      {"burn",
       true,
       "uses CPU time, for tests and benchmarks",
       {},
       /*idempotent=*/true,
       /*json=*/true},
      {"file", false, "answers with a file", {{"root", true, "directory that holds the files"}}},
      {"append",
       false,
       "appends the request to a file, as a line",
       {{"file", true, "path of the file, made when there is none"}},
       /*idempotent=*/false},
      {"static",
       false,
       "answers with one fixed text or file, without a job",
       {{"body", false, "the text"},
        {"file", false, "path of the file, read when the server starts or reloads",
         /*is_absolute_path=*/true},
        {"content_type", false, "text/plain, or application/octet-stream for a file, when not set"},
        {"charset", false, "utf-8, or none for a file, when not set"}}},
  };
  return builtins;
}

const Builtin* FindBuiltin(absl::string_view name) {
  const auto found = std::find_if(Builtins().begin(), Builtins().end(),
                                  [name](const Builtin& builtin) { return builtin.name == name; });
  return found == Builtins().end() ? nullptr : &*found;
}

std::vector<std::string> BuiltinNames() {
  std::vector<std::string> names;
  for (const Builtin& builtin : Builtins()) names.push_back(builtin.name);
  return names;
}

std::vector<HandlerConfig> DefaultHandlers() {
  std::vector<HandlerConfig> handlers;
  for (const Builtin& builtin : Builtins()) {
    if (!builtin.by_default) continue;
    HandlerConfig handler;
    handler.name = handler.builtin = builtin.name;
    handler.json = builtin.json;
    handlers.push_back(handler);
  }
  return handlers;
}

}  // namespace windlass
