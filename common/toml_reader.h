#ifndef WINDLASS_COMMON_TOML_READER_H_
#define WINDLASS_COMMON_TOML_READER_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/config.h"

// TOML text as a plain tree with positions: the one place that knows the TOML library.

namespace windlass {

// From 1; 0 is "no position" (a value that came from the command line).
struct TomlPosition {
  uint32_t line = 0;
  uint32_t column = 0;
};

struct TomlEntry;
using TomlTable = std::vector<TomlEntry>;  // sorted by key, each key once

struct TomlNode {
  enum class Kind : uint8_t {
    kScalar,
    kTable,
    kArray,
    kTime
  };  // kTime: dates and times, which no key of ours takes
  Kind kind = Kind::kScalar;
  TomlPosition position;
  OptionValue scalar;           // kScalar; never the array of strings
  bool written_octal = false;   // kScalar: an integer written 0o...
  TomlTable table;              // kTable
  std::vector<TomlNode> array;  // kArray
};

struct TomlEntry {
  std::string key;
  TomlPosition key_position;
  TomlNode value;
};

// Null when `table` has no such key. Valid while `table` is unchanged.
const TomlEntry* FindEntry(const TomlTable& table, absl::string_view key);

struct TomlError {
  TomlPosition position;
  std::string message;
};
// The whole document, or its first syntax error. Blocking: never.
std::variant<TomlTable, TomlError> ReadToml(absl::string_view text);

// `text` as a TOML value; a bare word (anything that is no TOML value) is a string. For --set.
TomlNode ReadTomlValue(absl::string_view text);

// A basic string with quotes: what ReadToml reads back as `text`.
std::string TomlQuoted(absl::string_view text);
// As a TOML value, which ReadToml reads back as the same.
std::string TomlValue(const OptionValue& value);
// A key as it stands before "=": bare where TOML allows it.
std::string TomlKey(absl::string_view key);
// What a message calls a value: 5, "text" (shortened), a table.
std::string DescribeNode(const TomlNode& node);
std::string DescribeValue(const OptionValue& value);

}  // namespace windlass

#endif  // WINDLASS_COMMON_TOML_READER_H_
