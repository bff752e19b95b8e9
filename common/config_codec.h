#ifndef WINDLASS_COMMON_CONFIG_CODEC_H_
#define WINDLASS_COMMON_CONFIG_CODEC_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/config.h"
#include "common/nearest_name.h"
#include "common/toml_reader.h"

// How one value of the configuration is written: which TOML values stand for which values of ours,
// both ways. Errors: InvalidArgument with text that follows the key's name: `must be an integer
// from 1 to 64, not "x"`. Blocking: never.

namespace windlass {

template <typename T>
struct Codec {
  std::string expects;  // "an integer from 1 to 64"
  std::function<absl::StatusOr<T>(const TomlNode&)> read;
  // The TOML value that `read` takes back; nullopt when the value is the one that only leaving the
  // key out gives.
  std::function<std::optional<std::string>(const T&)> write;
};

Codec<bool> BooleanCodec();
Codec<int> IntegerCodec(int min, int max);
Codec<double> ShareCodec();              // a number above 0, up to 1
Codec<std::string> TextCodec();          // not empty; "" is "not set"
Codec<std::string> AbsolutePathCodec();  // "" is "not set"
Codec<absl::Duration> DurationCodec(absl::Duration min, absl::Duration max);
// A duration, or "off": infinite.
Codec<absl::Duration> DurationOrOffCodec(absl::Duration min, absl::Duration max);
Codec<SlowAfter> SlowAfterCodec(absl::Duration min, absl::Duration max);  // and "50%"
Codec<uint64_t> SizeCodec(uint64_t min, uint64_t max);    // "64KiB", or an integer: bytes
Codec<ProcessCount> ProcessCountCodec(int min, int max);  // an integer, or "auto"
Codec<MemoryAmount> MemoryAmountCodec();                  // "25%" or "1GiB"
Codec<ListenAddress> ListenAddressCodec();
Codec<ListenAddress> ListenAddressOrNoneCodec();  // and "": one without text
Codec<std::vector<std::string>> TextListCodec();  // an empty one is "not set"
Codec<int> FileModeCodec();                       // "0660" or 0o660; -1 is "not set"

// A codec of a key that need not be set: `not_set` is what leaving it out means, and `codec` must
// not read it from anything.
template <typename T>
Codec<T> OptionalCodec(Codec<T> codec, T not_set) {
  codec.write = [write = codec.write, not_set](const T& value) -> std::optional<std::string> {
    if (value == not_set) return std::nullopt;
    return write(value);
  };
  return codec;
}

// The value of a handler's option: a scalar, or an array of strings.
absl::StatusOr<OptionValue> ReadOptionValue(const TomlNode& node);

// `must be EXPECTED, not VALUE`.
absl::Status WrongValue(const std::string& expects, const TomlNode& node);

template <typename E>
using NamedValues = std::vector<std::pair<std::string, E>>;

template <typename E>
Codec<E> OneOfCodec(const NamedValues<E>& values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  const std::string expects = absl::StrCat("one of \"", absl::StrJoin(names, "\", \""), "\"");
  const auto read = [values, names, expects](const TomlNode& node) -> absl::StatusOr<E> {
    const std::string* text = std::get_if<std::string>(&node.scalar);
    if (node.kind != TomlNode::Kind::kScalar || text == nullptr) return WrongValue(expects, node);
    for (const auto& [name, value] : values) {
      if (name == *text) return value;
    }
    return absl::InvalidArgumentError(
        absl::StrCat(WrongValue(expects, node).message(), DidYouMean(*text, names)));
  };
  const auto write = [values](const E& wanted) -> std::optional<std::string> {
    for (const auto& [name, value] : values) {
      if (value == wanted) return TomlQuoted(name);
    }
    return std::nullopt;
  };
  return {expects, read, write};
}

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_CODEC_H_
