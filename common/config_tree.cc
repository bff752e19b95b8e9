#include "common/config_tree.h"

#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/builtin_handlers.h"
#include "common/config_codec.h"
#include "common/config_keys.h"
#include "common/config_tree_pools.h"
#include "common/nearest_name.h"

namespace windlass {
namespace {

struct TableKeys {
  std::string table;
  std::vector<std::string> keys;
};

template <typename Section>
TableKeys NamesOf(const KeyTable<Section>& table) {
  TableKeys names{table.name, {}};
  for (const Key<Section>& key : table.keys) names.keys.push_back(key.name);
  return names;
}

const std::vector<TableKeys>& AllKeys() {
  static const auto& all = *new std::vector<TableKeys>([] {
    std::vector<TableKeys> tables;
    for (const KeyTable<Config>& table : ConfigTables()) tables.push_back(NamesOf(table));
    tables.push_back(NamesOf(ListenerKeys()));
    tables.push_back(NamesOf(HandlerKeys()));
    return tables;
  }());
  return all;
}

// The valid full key nearest to TABLE.KEY: both parts must be near, or the key be right and the
// table wrong.
std::string NearestKey(absl::string_view table, absl::string_view key) {
  std::string nearest;
  size_t least = std::numeric_limits<size_t>::max();
  for (const TableKeys& candidate : AllKeys()) {
    for (const std::string& name : candidate.keys) {
      const size_t distance = EditDistance(table, candidate.table) + EditDistance(key, name);
      const bool eligible = key == name || (IsNear(key, name) && IsNear(table, candidate.table));
      if (!eligible || distance >= least) continue;
      least = distance;
      nearest = absl::StrCat(candidate.table, ".", name);
    }
  }
  return nearest;
}

std::string KnownNames(absl::string_view table) {
  std::vector<std::string> tables;
  for (const TableKeys& candidate : AllKeys()) {
    if (candidate.table == table)
      return absl::StrCat("; keys there: ", absl::StrJoin(candidate.keys, ", "));
    tables.push_back(candidate.table);
  }
  return absl::StrCat("; tables: ", absl::StrJoin(tables, ", "));
}

// Turns one tree into structs. Lives for one call of AddTree.
class TreeLoader {
 public:
  TreeLoader(std::string source, LocatedConfig* located, ConfigErrors* errors)
      : source_(std::move(source)), located_(*located), errors_(*errors) {}

  void Load(const TomlTable& tree) {
    for (const TomlEntry& entry : tree) {
      if (const KeyTable<Config>* table = FindConfigTable(entry.key)) {
        LoadTable(*table, entry);
      } else if (entry.key == ListenerKeys().name) {
        ForEachTable(entry, [this](const TomlNode& node) { LoadListener(node); });
      } else if (entry.key == HandlerKeys().name) {
        ForEachTable(entry, [this](const TomlNode& node) { LoadHandler(node); });
      } else {
        ReportUnknown(entry.key, entry);
      }
    }
  }

 private:
  Origin At(TomlPosition position) const { return {source_, position}; }

  void LoadTable(const KeyTable<Config>& table, const TomlEntry& entry) {
    if (entry.value.kind != TomlNode::Kind::kTable) {
      errors_.Add(At(entry.key_position),
                  absl::StrCat(table.name, " must be a table: write [", table.name, "]"));
      return;
    }
    for (const TomlEntry& key : entry.value.table) {
      const std::string full_key = absl::StrCat(table.name, ".", key.key);
      const bool is_key = table.Find(key.key) != nullptr;
      const bool is_pool =
          key.value.kind == TomlNode::Kind::kTable && table.name == PoolKeys().name;
      if (is_key && is_pool) {
        errors_.Add(At(key.key_position),
                    absl::StrCat("[", full_key, "]: a pool cannot be called '", key.key,
                                 "', which is a key of [pool]"));
      } else if (is_pool) {
        LoadPool(full_key, key);
      } else if (!is_key) {
        ReportUnknown(full_key, key);
      } else {
        AddValue(full_key, key.value, At(key.value.position), &located_, &errors_);
      }
    }
  }

  void LoadPool(const std::string& name, const TomlEntry& entry) {
    if (FindOrAddPool(entry.key, At(entry.key_position), &located_, &errors_) == nullptr) return;
    for (const TomlEntry& key : entry.value.table) {
      AddValue(absl::StrCat(name, ".", key.key), key.value, At(key.value.position), &located_,
               &errors_);
    }
  }

  template <typename Load>
  void ForEachTable(const TomlEntry& entry, Load load) {
    const std::string message =
        absl::StrCat(entry.key, " must be an array of tables: write [[", entry.key, "]]");
    if (entry.value.kind != TomlNode::Kind::kArray)
      return errors_.Add(At(entry.key_position), message);
    for (const TomlNode& element : entry.value.array) {
      if (element.kind != TomlNode::Kind::kTable) {
        errors_.Add(At(element.position), message);
      } else {
        load(element);
      }
    }
  }

  // Fills `section` from `node`, and returns where its keys are.
  template <typename Section>
  KeyOrigins Fill(const KeyTable<Section>& table, const TomlNode& node, Section* section) {
    KeyOrigins origins{At(node.position), {}};
    for (const TomlEntry& entry : node.table) {
      const std::string full_key = absl::StrCat(table.name, ".", entry.key);
      const Key<Section>* key = table.Find(entry.key);
      if (key == nullptr) {
        ReportUnknownMember(NamesOf(table).keys, full_key, entry);
        continue;
      }
      origins.keys[entry.key] = At(entry.value.position);
      const absl::Status set = key->set(entry.value, section);
      if (!set.ok())
        errors_.Add(At(entry.value.position), absl::StrCat(full_key, " ", set.message()));
    }
    return origins;
  }

  void Require(const TomlNode& node, absl::string_view table, absl::string_view key) {
    if (FindEntry(node.table, key) == nullptr) {
      errors_.Add(At(node.position), absl::StrCat("[[", table, "]] needs the key '", key, "'"));
    }
  }

  void LoadListener(const TomlNode& node) {
    ListenerConfig listener = DefaultListener(ProtocolOf(node));
    KeyOrigins origins = Fill(ListenerKeys(), node, &listener);
    Require(node, "listener", "address");
    located_.config.listeners.push_back(std::move(listener));
    located_.listeners.push_back(std::move(origins));
  }

  // Looked at first, because other keys' defaults depend on it. A wrong one is reported by Fill.
  static Protocol ProtocolOf(const TomlNode& listener) {
    const TomlEntry* entry = FindEntry(listener.table, "protocol");
    const std::string* name =
        entry == nullptr ? nullptr : std::get_if<std::string>(&entry->value.scalar);
    return name == nullptr ? Protocol::kMessage : FindProtocol(*name).value_or(Protocol::kMessage);
  }

  void LoadHandler(const TomlNode& node) {
    HandlerConfig handler;
    KeyOrigins origins = Fill(HandlerKeys(), node, &handler);
    Require(node, "handler", "name");
    CheckCode(node, &handler);
    if (const Builtin* builtin = FindBuiltin(handler.builtin)) {
      CheckOptions(*builtin, node);
      if (FindEntry(node.table, "idempotent") == nullptr) {
        handler.idempotent = builtin->idempotent;
      }
      if (FindEntry(node.table, "json") == nullptr) handler.json = builtin->json;
    } else if (!handler.library.empty()) {
      CheckLibraryOptions(node);
    }
    located_.config.handlers.push_back(std::move(handler));
    located_.handlers.push_back(std::move(origins));
  }

  // Whose code it runs: one of two keys says so, or the name, which is that of a default handler.
  void CheckCode(const TomlNode& node, HandlerConfig* handler) {
    const TomlEntry* const builtin = FindEntry(node.table, "builtin");
    const TomlEntry* const library = FindEntry(node.table, "library");
    const TomlEntry* const entry = FindEntry(node.table, "entry");
    if (builtin != nullptr && library != nullptr) {
      errors_.Add(At(library->key_position),
                  "[[handler]] has 'builtin' already: 'library' is instead of it");
    }
    if (entry != nullptr && library == nullptr) {
      errors_.Add(At(entry->key_position), "handler.entry needs handler.library beside it");
    }
    if (builtin != nullptr || library != nullptr) return;
    const Builtin* const same = FindBuiltin(handler->name);
    if (same != nullptr && same->by_default) {
      handler->builtin = same->name;
    } else {
      errors_.Add(At(node.position), "[[handler]] needs the key 'builtin' or 'library'");
    }
  }

  // Only the library itself knows which there are.
  void CheckLibraryOptions(const TomlNode& handler) {
    const TomlEntry* const options = FindEntry(handler.table, "options");
    if (options == nullptr) return;
    for (const TomlEntry& option : options->value.table) {
      const absl::Status read = ReadOptionValue(option.value).status();
      if (read.ok()) continue;
      errors_.Add(At(option.value.position),
                  absl::StrCat("handler.options.", option.key, " ", read.message()));
    }
  }

  void CheckOptions(const Builtin& builtin, const TomlNode& handler) {
    const TomlEntry* options = FindEntry(handler.table, "options");
    const bool is_table = options != nullptr && options->value.kind == TomlNode::Kind::kTable;
    if (options != nullptr && !is_table) return;  // reported already
    static const TomlTable& none = *new TomlTable;
    const TomlTable& given = is_table ? options->value.table : none;
    for (const TomlEntry& option : given) CheckOption(builtin, option);
    for (const BuiltinOption& option : builtin.options) {
      if (!option.required || FindEntry(given, option.name) != nullptr) continue;
      errors_.Add(At(is_table ? options->value.position : handler.position),
                  absl::StrCat("handler.options needs '", option.name, "' for builtin '",
                               builtin.name, "': ", option.help));
    }
  }

  void CheckOption(const Builtin& builtin, const TomlEntry& option) {
    const std::vector<std::string> names = builtin.OptionNames();
    const auto known_option =
        std::find_if(builtin.options.begin(), builtin.options.end(),
                     [&](const BuiltinOption& one) { return one.name == option.key; });
    if (known_option == builtin.options.end()) {
      const std::string known =
          names.empty() ? "it has none" : absl::StrCat("it has ", absl::StrJoin(names, ", "));
      const std::string nearest = DidYouMean(option.key, names);
      errors_.Add(At(option.key_position),
                  absl::StrCat("unknown option '", option.key, "' of builtin '", builtin.name, "'",
                               nearest.empty() ? "; " + known : nearest));
      return;
    }
    const Codec<std::string> codec =
        known_option->is_absolute_path ? AbsolutePathCodec() : TextCodec();
    const absl::Status read = codec.read(option.value).status();
    if (!read.ok()) {
      errors_.Add(At(option.value.position),
                  absl::StrCat("handler.options.", option.key, " ", read.message()));
    }
  }

  // Every key below an unknown name is reported, so that each gets its own suggestion.
  void ReportUnknown(const std::string& name, const TomlEntry& entry) {
    if (!ReportUnknownBelow(name, entry.value))
      errors_.Add(At(entry.key_position), UnknownKey(name));
  }

  // Of a key whose value is a table, its own name is what is wrong.
  void ReportUnknownMember(const std::vector<std::string>& known, const std::string& name,
                           const TomlEntry& entry) {
    const bool is_table = entry.value.kind == TomlNode::Kind::kTable;
    if (is_table && !NearestName(entry.key, known).empty()) {
      return errors_.Add(At(entry.key_position), UnknownKey(name));
    }
    ReportUnknown(name, entry);
  }

  // False when there is nothing below.
  bool ReportUnknownBelow(const std::string& name, const TomlNode& node) {
    bool any = false;
    for (const TomlEntry& entry : node.table) {
      ReportUnknown(absl::StrCat(name, ".", entry.key), entry);
      any = true;
    }
    for (const TomlNode& element : node.array) {
      if (element.kind == TomlNode::Kind::kTable) any = ReportUnknownBelow(name, element) || any;
    }
    return any;
  }

  const std::string source_;
  LocatedConfig& located_;
  ConfigErrors& errors_;
};

}  // namespace

void AddTree(const TomlTable& tree, const std::string& source, LocatedConfig* located,
             ConfigErrors* errors) {
  TreeLoader(source, located, errors).Load(tree);
}

void AddValue(absl::string_view key, const TomlNode& value, const Origin& origin,
              LocatedConfig* located, ConfigErrors* errors) {
  if (AddPoolValue(key, value, origin, located, errors)) return;
  const size_t dot = key.find('.');
  const KeyTable<Config>* table = FindConfigTable(key.substr(0, dot));
  const Key<Config>* found = nullptr;
  if (table != nullptr && dot != absl::string_view::npos) found = table->Find(key.substr(dot + 1));
  if (found == nullptr) return errors->Add(origin, UnknownKey(key));
  const absl::Status set = found->set(value, &located->config);
  if (!set.ok()) return errors->Add(origin, absl::StrCat(key, " ", set.message()));
  located->keys.keys[std::string(key)] = origin;
}

namespace {

// Of [pool.NAME], which has the keys of [pool].
std::string UnknownPoolKey(absl::string_view table, absl::string_view key) {
  const std::vector<std::string> known = NamesOf(PoolKeys()).keys;
  const std::string nearest = NearestName(key, known);
  if (!nearest.empty()) {
    return absl::StrCat("unknown key '", table, ".", key, "', did you mean '", table, ".", nearest,
                        "'?");
  }
  return absl::StrCat("unknown key '", table, ".", key, "'", KnownNames(PoolKeys().name));
}

}  // namespace

std::string UnknownKey(absl::string_view full_key) {
  const size_t dot = full_key.rfind('.');
  const bool nested = dot != absl::string_view::npos;
  const absl::string_view table = nested ? full_key.substr(0, dot) : absl::string_view();
  if (absl::StartsWith(table, "pool.")) return UnknownPoolKey(table, full_key.substr(dot + 1));
  const std::string nearest = NearestKey(table, nested ? full_key.substr(dot + 1) : full_key);
  if (!nearest.empty())
    return absl::StrCat("unknown key '", full_key, "', did you mean '", nearest, "'?");
  if (!nested) {
    std::vector<std::string> tables;
    for (const TableKeys& candidate : AllKeys()) tables.push_back(candidate.table);
    const std::string meant = DidYouMean(full_key, tables);
    if (!meant.empty()) return absl::StrCat("unknown key or table '", full_key, "'", meant);
  }
  return absl::StrCat("unknown key '", full_key, "'", KnownNames(table));
}

}  // namespace windlass
