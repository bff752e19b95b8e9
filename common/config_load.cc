#include "common/config_load.h"

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/config_check.h"
#include "common/config_errors.h"
#include "common/config_keys.h"
#include "common/config_tree.h"
#include "common/nearest_name.h"
#include "common/read_file.h"
#include "common/toml_reader.h"

namespace windlass {
namespace {

constexpr absl::string_view kBuiltinSource = "(built-in default)";
constexpr absl::string_view kBuiltinText = R"([[listener]]
protocol = "message"
address = "127.0.0.1:65432"
)";

// False after a syntax error: then nothing of the text is known, and comparing values would only
// mislead.
bool AddText(absl::string_view text, LocatedConfig* located, ConfigErrors* errors) {
  const std::string& source = located->config.source;
  const std::variant<TomlTable, TomlError> document = ReadToml(text);
  if (const TomlError* error = std::get_if<TomlError>(&document)) {
    errors->Add({source, error->position}, error->message);
    return false;
  }
  AddTree(std::get<TomlTable>(document), source, located, errors);
  return true;
}

// Of pool.NAME.KEY: a pool is made in the file, with its handlers; here its name is a slip.
std::string UnknownPoolIn(absl::string_view key, const Config& config) {
  if (!absl::ConsumePrefix(&key, "pool.") || key.find('.') == absl::string_view::npos) return "";
  const absl::string_view name = key.substr(0, key.rfind('.'));
  std::vector<std::string> names;
  for (const PoolConfig& pool : config.pools) {
    if (pool.name == name) return "";
    names.push_back(pool.name);
  }
  return absl::StrCat("there is no [pool.", name, "]", DidYouMean(name, names));
}

void AddSet(const std::string& set, LocatedConfig* located, ConfigErrors* errors) {
  const Origin origin{absl::StrCat("--set ", set), {}};
  const size_t equals = set.find('=');
  const absl::string_view key =
      absl::StripAsciiWhitespace(absl::string_view(set).substr(0, equals));
  if (equals == std::string::npos || key.empty() || FindConfigTable(key) != nullptr) {
    return errors->Add(origin, "must be TABLE.KEY=VALUE, as in workers.count=4");
  }
  if (absl::StartsWith(key, "listener.") || absl::StartsWith(key, "handler.")) {
    return errors->Add(origin, absl::StrCat("'", key, "' is one of several: set it in a file"));
  }
  if (const std::string unknown = UnknownPoolIn(key, located->config); !unknown.empty()) {
    return errors->Add(origin, unknown);
  }
  const absl::string_view value = absl::string_view(set).substr(equals + 1);
  AddValue(key, ReadTomlValue(absl::StripAsciiWhitespace(value)), origin, located, errors);
}

void AddShortcut(absl::string_view flag, absl::string_view key,
                 const std::optional<std::string>& value, LocatedConfig* located,
                 ConfigErrors* errors) {
  if (!value.has_value()) return;
  AddValue(key, ReadTomlValue(*value), {absl::StrCat(flag, " ", *value), {}}, located, errors);
}

void AddListen(const std::string& listen, LocatedConfig* located, ConfigErrors* errors) {
  const Origin origin{absl::StrCat("--listen ", listen), {}};
  const size_t separator = listen.find("://");
  if (separator == std::string::npos) {
    return errors->Add(origin, "must be PROTOCOL://ADDRESS, as in message://127.0.0.1:65432");
  }
  const std::string name = listen.substr(0, separator);
  const std::optional<Protocol> protocol = FindProtocol(name);
  if (!protocol.has_value()) {
    const std::vector<std::string> names = ProtocolNames();
    errors->Add(origin, absl::StrCat("unknown protocol '", name, "' (there are ",
                                     absl::StrJoin(names, ", "), ")", DidYouMean(name, names)));
  }
  ListenerConfig listener = DefaultListener(protocol.value_or(Protocol::kMessage));
  TomlNode address;
  address.scalar = listen.substr(separator + 3);
  const absl::Status set = ListenerKeys().Find("address")->set(address, &listener);
  if (!set.ok()) errors->Add(origin, absl::StrCat("address ", set.message()));
  located->config.listeners.push_back(std::move(listener));
  located->listeners.push_back({origin, {}});
}

}  // namespace

absl::string_view BuiltinConfigText() { return kBuiltinText; }

absl::StatusOr<Config> LoadConfig(const ConfigSources& sources) {
  LocatedConfig located;
  ConfigErrors errors;
  std::string text(kBuiltinText);
  located.config.source = std::string(kBuiltinSource);
  if (!sources.file.empty()) {
    absl::StatusOr<std::string> content = ReadFile(sources.file);
    if (!content.ok()) return content.status();
    text = *std::move(content);
    located.config.source = sources.file;
  }
  located.keys.table.source = located.config.source;

  const bool is_toml = AddText(text, &located, &errors);
  for (const std::string& set : sources.sets) AddSet(set, &located, &errors);
  AddShortcut("--workers", "workers.count", sources.workers, &located, &errors);
  AddShortcut("--pool", "pool.processes", sources.pool, &located, &errors);
  if (!sources.listens.empty()) {
    located.config.listeners.clear();
    located.listeners.clear();
  }
  for (const std::string& listen : sources.listens) AddListen(listen, &located, &errors);

  located.config.admin.address_is_written = located.keys.keys.count("admin.address") != 0;
  if (is_toml) CheckConfig(located, &errors);
  const absl::Status status = errors.ToStatus();
  if (!status.ok()) return status;
  located.config.handlers = WithDefaultHandlers(located.config.handlers);
  return std::move(located.config);
}

}  // namespace windlass
