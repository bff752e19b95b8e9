#include "common/config_print.h"

#include <xxhash.h>

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/config_keys.h"

namespace windlass {
namespace {

enum class Comments { kYes, kNo };

// A key that has no value is shown as a comment, for the next edit.
template <typename Section>
void AppendKeys(const KeyTable<Section>& table, const Section& section, Comments comments,
                std::string* out) {
  const Section defaults{};
  for (const Key<Section>& key : table.keys) {
    if (comments == Comments::kYes) {
      const std::optional<std::string> standard = key.print(defaults);
      absl::StrAppend(out, "# ", key.help, " Takes ", key.expects,
                      standard.has_value() ? absl::StrCat("; default ", *standard) : "", ".\n");
    }
    const std::optional<std::string> value = key.print(section);
    if (value.has_value()) {
      absl::StrAppend(out, key.name, " = ", *value, "\n");
    } else if (comments == Comments::kYes) {
      absl::StrAppend(out, "# ", key.name, " is not set\n");
    }
  }
}

// The keys are explained once, at the first entry.
template <typename Section>
void AppendEntries(const KeyTable<Section>& table, const std::vector<Section>& entries,
                   std::string* out) {
  Comments comments = Comments::kYes;
  absl::StrAppend(out, "\n# ", table.help, "\n");
  for (const Section& entry : entries) {
    absl::StrAppend(out, comments == Comments::kYes ? "" : "\n", "[[", table.name, "]]\n");
    AppendKeys(table, entry, comments, out);
    comments = Comments::kNo;
  }
}

}  // namespace

std::string PrintConfig(const Config& config) {
  // Escaped, because a comment may hold neither control characters nor broken UTF-8, and a file
  // name may.
  std::string out = absl::StrCat("# Effective configuration of windlassd, from ",
                                 absl::CEscape(config.source), ".\n");
  for (const KeyTable<Config>& table : ConfigTables()) {
    absl::StrAppend(&out, "\n# ", table.help, "\n[", table.name, "]\n");
    AppendKeys(table, config, Comments::kYes, &out);
    if (table.name != PoolKeys().name) continue;
    for (size_t i = 1; i < config.pools.size(); ++i) {  // the keys have been explained
      absl::StrAppend(&out, "\n[pool.", config.pools[i].name, "]\n");
      AppendKeys(PoolKeys(), config.pools[i], Comments::kNo, &out);
    }
  }
  AppendEntries(ListenerKeys(), config.listeners, &out);
  AppendEntries(HandlerKeys(), config.handlers, &out);
  return out;
}

std::string ConfigHash(const Config& config) {
  Config nameless = config;
  nameless.source.clear();
  const std::string text = PrintConfig(nameless);
  return absl::StrFormat("%016x", XXH3_64bits(text.data(), text.size()));
}

}  // namespace windlass
