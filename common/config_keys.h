#ifndef WINDLASS_COMMON_CONFIG_KEYS_H_
#define WINDLASS_COMMON_CONFIG_KEYS_H_

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/config.h"
#include "common/toml_reader.h"

// The one list of configuration keys. Loading, printing and "did you mean" all go by it, so they
// cannot disagree; a default is what a default-constructed struct holds.

namespace windlass {

// A key of the table that `Section` is filled from.
template <typename Section>
struct Key {
  std::string name;
  std::string expects;  // type and range: "an integer from 1 to 64"
  std::string help;     // one line
  // Leaves the section as it was when it fails; the message follows the key's name.
  std::function<absl::Status(const TomlNode&, Section*)> set;
  // The TOML value; nullopt: not set, which is what leaving the key out means.
  std::function<std::optional<std::string>(const Section&)> print;
};

template <typename Section>
struct KeyTable {
  std::string name;  // "workers"
  std::string help;
  std::vector<Key<Section>> keys;

  const Key<Section>* Find(absl::string_view key) const {  // null when there is none
    const auto found = std::find_if(keys.begin(), keys.end(), [key](const Key<Section>& candidate) {
      return candidate.name == key;
    });
    return found == keys.end() ? nullptr : &*found;
  }
};

const std::vector<KeyTable<Config>>& ConfigTables();  // all but [[listener]] and [[handler]]
const KeyTable<PoolConfig>& PoolKeys();          // [pool], which is there, too, and [pool.NAME]
const KeyTable<ListenerConfig>& ListenerKeys();  // [[listener]]
const KeyTable<HandlerConfig>& HandlerKeys();    // [[handler]]
const KeyTable<Config>* FindConfigTable(absl::string_view name);  // null when there is none

// The protocols by name, and null for no such name.
std::vector<std::string> ProtocolNames();
std::optional<Protocol> FindProtocol(absl::string_view name);
absl::string_view ProtocolName(Protocol protocol);
absl::string_view SandboxLevelName(SandboxLevel level);

// A listener that says nothing but its protocol.
ListenerConfig DefaultListener(Protocol protocol);
// What the admin process listens with. REQUIRES: an address.
ListenerConfig AdminListener(const AdminConfig& admin);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_KEYS_H_
