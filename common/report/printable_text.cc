#include "common/report/printable_text.h"

#include <simdjson.h>

#include <algorithm>

namespace windlass {
namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

unsigned char ByteAt(absl::string_view bytes, size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// The character at the front of `bytes`; "" when there is no valid one.
absl::string_view FirstCharacter(absl::string_view bytes) {
  const unsigned char lead = ByteAt(bytes, 0);
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const absl::string_view character = bytes.substr(0, length);
  return simdjson::validate_utf8(character.data(), character.size()) ? character : "";
}

// C0 but newline and tab, DEL, and C1, which some terminals obey, too.
bool IsControl(absl::string_view character) {
  const unsigned char lead = ByteAt(character, 0);
  if (character.size() == 1) return (lead < 0x20 && lead != '\n' && lead != '\t') || lead == 0x7f;
  return lead == 0xc2 && ByteAt(character, 1) < 0xa0;
}

}  // namespace

std::string PrintableText(absl::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const absl::string_view character = FirstCharacter(bytes);
    const bool keep = !character.empty() && !IsControl(character);
    const absl::string_view shown = keep ? character : kReplacement;
    text.append(shown.data(), shown.size());
    bytes.remove_prefix(std::max<size_t>(character.size(), 1));
  }
  return text;
}

std::string PrintableLine(absl::string_view bytes) {
  std::string line = PrintableText(bytes);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\t', ' ');
  return line;
}

size_t CharacterCount(absl::string_view printable) {
  return static_cast<size_t>(std::count_if(printable.begin(), printable.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;  // not a continuation byte
  }));
}

}  // namespace windlass
