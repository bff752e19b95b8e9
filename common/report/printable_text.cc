#include "common/report/printable_text.h"

#include <locale.h>
#include <simdjson.h>
#include <wchar.h>

#include <algorithm>
#include <cwchar>

#include "absl/strings/str_cat.h"

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

// While it lives, this thread decodes UTF-8. Whoever runs the program may have any locale, and only
// the C library has tables of widths that are kept up to date.
class Utf8Locale {
 public:
  Utf8Locale() : before_(::uselocale(Ours())) {}
  ~Utf8Locale() { ::uselocale(before_); }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  static locale_t Ours() {
    // glibc has this one built in. 0, elsewhere, leaves the locale as it is.
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
  }

  const locale_t before_;
};

struct Character {
  absl::string_view bytes;
  size_t columns;
};

// REQUIRES: not empty. What is no character, or has no width, is taken for one column a byte.
Character TakeCharacter(absl::string_view* printable) {
  std::mbstate_t state = {};
  wchar_t code = 0;
  const size_t length = std::mbrtowc(&code, printable->data(), printable->size(), &state);
  const bool valid = length != 0 && length <= printable->size();
  const int columns = valid ? ::wcwidth(code) : 1;
  const Character taken = {printable->substr(0, valid ? length : 1),
                           static_cast<size_t>(columns < 0 ? 1 : columns)};
  printable->remove_prefix(taken.bytes.size());
  return taken;
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

size_t DisplayWidth(absl::string_view printable) {
  const bool ascii = std::all_of(printable.begin(), printable.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) return printable.size();  // nearly always, and there may be a million of them
  const Utf8Locale locale;
  size_t width = 0;
  while (!printable.empty()) width += TakeCharacter(&printable).columns;
  return width;
}

std::string CutToWidth(absl::string_view printable, size_t columns) {
  if (DisplayWidth(printable) <= columns) return std::string(printable);
  if (columns == 0) return "";
  const Utf8Locale locale;
  std::string cut;
  for (size_t width = 0;;) {
    const Character next = TakeCharacter(&printable);
    width += next.columns;
    if (width >= columns) return absl::StrCat(cut, "…");
    absl::StrAppend(&cut, next.bytes);
  }
}

}  // namespace windlass
