#ifndef WINDLASS_COMMON_CONFIG_TREE_H_
#define WINDLASS_COMMON_CONFIG_TREE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/config.h"
#include "common/config_errors.h"
#include "common/toml_reader.h"

// From a TOML tree to configuration structs, key by key. What keys mean together is
// config_check.h's business. Blocking: never.

namespace windlass {

// A configuration with the places its values come from.
struct LocatedConfig {
  Config config;                      // handlers: those that were written, without the defaults
  KeyOrigins keys;                    // by full name: "workers.count"
  std::vector<KeyOrigins> listeners;  // as config.listeners
  std::vector<KeyOrigins> handlers;   // as config.handlers
};

// Adds what `tree`, read from `source`, says to `located`. What is wrong goes to `errors` and
// leaves a default behind.
void AddTree(const TomlTable& tree, const std::string& source, LocatedConfig* located,
             ConfigErrors* errors);

// Sets one key of a plain table: AddValue("workers.count", ...).
void AddValue(absl::string_view key, const TomlNode& value, const Origin& origin,
              LocatedConfig* located, ConfigErrors* errors);

// "unknown key 'worker.count', did you mean 'workers.count'?"
std::string UnknownKey(absl::string_view full_key);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_TREE_H_
