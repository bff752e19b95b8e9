#ifndef WINDLASS_COMMON_CONFIG_KEY_MAKERS_H_
#define WINDLASS_COMMON_CONFIG_KEY_MAKERS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config_codec.h"
#include "common/config_keys.h"

// What the tables of keys (config_keys*.cc) are made with; for them only.

namespace windlass {

// Ranges that several keys share.
inline constexpr absl::Duration kShortest =
    absl::Milliseconds(1);  // what the timers can tell apart
inline constexpr absl::Duration kLongest = absl::Hours(24);
inline constexpr int kMaxWorkers = 256;      // of one generation; a job id has room for 1024 slots
inline constexpr int kMaxProcesses = 65536;  // past any machine this was thought for
inline constexpr uint64_t kLeastMemory =
    1 << 20;  // any process has more: nothing smaller can be meant
inline constexpr int kMaxJobs = 1'000'000'000;
// Replacing processes more often would keep the server busy with that alone.
inline constexpr absl::Duration kShortestAge = absl::Seconds(1);
inline constexpr absl::Duration kLongestAge = absl::Hours(24 * 365);

template <typename Section, typename T>
Key<Section> MakeKey(std::string name, T Section::*member, Codec<T> codec, std::string help) {
  return {std::move(name), codec.expects, std::move(help),
          [member, read = codec.read](const TomlNode& node, Section* section) {
            absl::StatusOr<T> value = read(node);
            if (!value.ok()) return value.status();
            section->*member = *std::move(value);
            return absl::OkStatus();
          },
          [member, write = codec.write](const Section& section) { return write(section.*member); }};
}

// A table of Config from the keys of one of its parts: `part` finds it, in `Config&` and
// `const Config&`.
template <typename Section, typename Part>
KeyTable<Config> MakeTable(std::string name, Part part, std::string help,
                           const std::vector<Key<Section>>& keys) {
  KeyTable<Config> table{std::move(name), std::move(help), {}};
  for (const Key<Section>& key : keys) {
    table.keys.push_back(
        {key.name, key.expects, key.help,
         [part, set = key.set](const TomlNode& node, Config* config) {
           return set(node, &part(*config));
         },
         [part, print = key.print](const Config& config) { return print(part(config)); }});
  }
  return table;
}

inline Codec<uint64_t> MemoryLimitCodec() {
  return OptionalCodec(SizeCodec(kLeastMemory, uint64_t{1} << 50), uint64_t{0});
}

// Not set: never.
inline Codec<absl::Duration> AgeCodec() {
  return OptionalCodec(DurationCodec(kShortestAge, kLongestAge), absl::InfiniteDuration());
}

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_KEY_MAKERS_H_
