#include "worker/handlers/registry.h"

#include "absl/strings/str_cat.h"
#include "worker/handlers/append_handler.h"
#include "worker/handlers/binary_handler.h"
#include "worker/handlers/burn_handler.h"
#include "worker/handlers/file_handler.h"
#include "worker/handlers/search_handler.h"

namespace windlass {
namespace {

using Made = absl::StatusOr<std::unique_ptr<Handler>>;

std::string StringOption(const HandlerConfig& config, const std::string& key) {
  const auto found = config.options.find(key);
  if (found == config.options.end()) return "";
  const std::string* const text = std::get_if<std::string>(&found->second);
  return text == nullptr ? "" : *text;
}

Made MakeSearch(const HandlerConfig& config) {
  const std::string path = StringOption(config, "table");
  if (path.empty()) return std::make_unique<SearchHandler>(SearchHandler::DefaultTable());
  absl::StatusOr<SearchHandler::Table> table = SearchHandler::LoadTable(path);
  if (!table.ok()) return table.status();
  return std::make_unique<SearchHandler>(*std::move(table));
}

Made MakeFile(const HandlerConfig& config) {
  absl::StatusOr<std::unique_ptr<FileHandler>> made =
      FileHandler::Open(StringOption(config, "root"));
  if (!made.ok()) return made.status();
  return *std::move(made);
}

Made MakeAppend(const HandlerConfig& config) {
  absl::StatusOr<std::unique_ptr<AppendHandler>> made =
      AppendHandler::Open(StringOption(config, "file"));
  if (!made.ok()) return made.status();
  return *std::move(made);
}

struct Builtin {
  absl::string_view name;
  Made (*make)(const HandlerConfig&);
};
constexpr Builtin kBuiltins[] = {
    {"search", &MakeSearch},
    {"binary", [](const HandlerConfig&) -> Made { return std::make_unique<BinaryHandler>(); }},
    {"echo", [](const HandlerConfig&) -> Made { return std::make_unique<EchoHandler>(); }},
    {"burn", [](const HandlerConfig&) -> Made { return std::make_unique<BurnHandler>(); }},
    {"file", &MakeFile},
    {"append", &MakeAppend},
};

}  // namespace

Made MakeHandler(const HandlerConfig& config) {
  for (const Builtin& builtin : kBuiltins) {
    if (config.builtin != builtin.name) continue;
    Made made = builtin.make(config);
    if (made.ok()) return made;
    return absl::Status(made.status().code(),
                        absl::StrCat("handler ", config.name, ": ", made.status().message()));
  }
  return absl::NotFoundError(
      absl::StrCat("handler ", config.name, ": no built-in '", config.builtin, "'"));
}

}  // namespace windlass
