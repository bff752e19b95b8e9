#include "common/json_text.h"

#include <simdjson.h>

namespace windlass {
namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// Bytes of the character that `text` begins with; 0: it begins with none.
size_t CharacterBytes(absl::string_view text) {
  const unsigned char first = static_cast<unsigned char>(text[0]);
  const size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return bytes <= text.size() && simdjson::validate_utf8(text.data(), bytes) ? bytes : 0;
}

}  // namespace

void AppendJsonTextUpTo(absl::string_view text, size_t most, std::string* out) {
  constexpr size_t kLongestEscape = 6;
  if (text.size() * kLongestEscape + 2 <= most &&
      simdjson::validate_utf8(text.data(), text.size())) {
    return AppendJsonString(text, out);
  }
  constexpr absl::string_view kCut = "...";
  const size_t limit = out->size() + most - 1;  // without the last quote
  out->push_back('"');
  size_t cut_at = out->size();  // the last place where kCut would fit
  std::string escaped;
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    escaped.clear();
    absl::string_view character = bytes == 0 ? kReplacement : text.substr(0, bytes);
    const unsigned char c = static_cast<unsigned char>(character[0]);
    if (c < 0x20 || c == '"' || c == '\\') {
      AppendJsonString(character, &escaped);
      character = absl::string_view(escaped).substr(1, escaped.size() - 2);
    }
    if (out->size() + character.size() > limit) {
      out->resize(cut_at);
      out->append(kCut.data(), kCut.size());
      break;
    }
    out->append(character.data(), character.size());
    if (out->size() + kCut.size() <= limit) cut_at = out->size();
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  out->push_back('"');
}

void AppendJsonString(absl::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  size_t copied = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out->append(text.data() + copied, i - copied);
    copied = i + 1;
    out->push_back('\\');
    switch (c) {
      case '"':
        out->push_back('"');
        break;
      case '\\':
        out->push_back('\\');
        break;
      case '\b':
        out->push_back('b');
        break;
      case '\f':
        out->push_back('f');
        break;
      case '\n':
        out->push_back('n');
        break;
      case '\r':
        out->push_back('r');
        break;
      case '\t':
        out->push_back('t');
        break;
      default:
        out->append({'u', '0', '0', kHex[c >> 4], kHex[c & 15]});
    }
  }
  out->append(text.data() + copied, text.size() - copied);
  out->push_back('"');
}

}  // namespace windlass
