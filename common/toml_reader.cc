#include "common/toml_reader.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace windlass {
namespace {

// Longer values are cut in messages: the position says where the rest is.
constexpr size_t kMaxDescribedBytes = 60;

TomlPosition PositionOf(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

TomlTable ConvertTable(const toml::table& table);

TomlNode Convert(const toml::node& node) {
  TomlNode result;
  result.position = PositionOf(node.source());
  if (const toml::table* table = node.as_table()) {
    result.kind = TomlNode::Kind::kTable;
    result.table = ConvertTable(*table);
  } else if (const toml::array* array = node.as_array()) {
    result.kind = TomlNode::Kind::kArray;
    for (const toml::node& element : *array) result.array.push_back(Convert(element));
  } else if (const auto* text = node.as_string()) {
    result.scalar = text->get();
  } else if (const auto* integer = node.as_integer()) {
    result.scalar = integer->get();
    const auto base =
        integer->flags() & toml::value_flags::format_as_hexadecimal;  // the mask of all bases
    result.written_octal = base == toml::value_flags::format_as_octal;
  } else if (const auto* number = node.as_floating_point()) {
    result.scalar = number->get();
  } else if (const auto* truth = node.as_boolean()) {
    result.scalar = truth->get();
  } else {
    result.kind = TomlNode::Kind::kTime;
  }
  return result;
}

TomlTable ConvertTable(const toml::table& table) {
  TomlTable result;
  for (const auto& [key, value] : table) {
    result.push_back({std::string(key.str()), PositionOf(key.source()), Convert(value)});
  }
  return result;
}

}  // namespace

const TomlEntry* FindEntry(const TomlTable& table, absl::string_view key) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [key](const TomlEntry& entry) { return entry.key == key; });
  return found == table.end() ? nullptr : &*found;
}

std::variant<TomlTable, TomlError> ReadToml(absl::string_view text) {
  try {  // the packaged library is built to throw
    return ConvertTable(toml::parse(std::string_view(text.data(), text.size())));
  } catch (const toml::parse_error& error) {
    return TomlError{PositionOf(error.source()), std::string(error.description())};
  }
}

TomlNode ReadTomlValue(absl::string_view text) {
  const std::variant<TomlTable, TomlError> document =
      ReadToml(absl::StrCat("value = ", text, "\n"));
  const TomlTable* table = std::get_if<TomlTable>(&document);
  TomlNode node;
  // More than one key: the text holds a line break and a second assignment, so it is no value.
  if (table != nullptr && table->size() == 1) {
    node = table->front().value;
    node.position = {};
  } else {
    node.scalar = std::string(text);
  }
  return node;
}

std::string TomlQuoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", absl::string_view(&c, 1));
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&quoted, "\\u%04X", byte);
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

std::string TomlValue(const OptionValue& value) {
  if (const bool* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return absl::StrCat(*integer);
  if (const std::string* text = std::get_if<std::string>(&value)) return TomlQuoted(*text);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    const auto quoted = [](std::string* out, const std::string& text) {
      out->append(TomlQuoted(text));
    };
    return absl::StrCat("[", absl::StrJoin(*texts, ", ", quoted), "]");
  }
  const double number = std::get<double>(value);
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return absl::StrFormat(
      "%.16e", number);  // 17 digits read back as the same double; the exponent makes it a float
}

std::string TomlKey(absl::string_view key) {
  const bool is_bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
  return is_bare ? std::string(key) : TomlQuoted(key);
}

std::string DescribeValue(const OptionValue& value) {
  if (std::holds_alternative<std::vector<std::string>>(value)) return "an array";
  if (const double* number = std::get_if<double>(&value)) return absl::StrCat(*number);
  const std::string* text = std::get_if<std::string>(&value);
  if (text == nullptr || text->size() <= kMaxDescribedBytes) return TomlValue(value);
  return absl::StrCat(TomlQuoted(absl::string_view(*text).substr(0, kMaxDescribedBytes)), "...");
}

std::string DescribeNode(const TomlNode& node) {
  switch (node.kind) {
    case TomlNode::Kind::kTable:
      return "a table";
    case TomlNode::Kind::kArray:
      return "an array";
    case TomlNode::Kind::kTime:
      return "a date or time";
    case TomlNode::Kind::kScalar:
      return DescribeValue(node.scalar);
  }
  std::abort();  // not an enumerator: memory is corrupt
}

}  // namespace windlass
