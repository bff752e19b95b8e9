#include "worker/handlers/charset.h"

#include <iconv.h>
#include <simdjson.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr absl::string_view kBom = "\xef\xbb\xbf";

// iconv decides by itself where a byte order mark is there, and guesses where it is not: name the
// order instead.
std::string CharsetWithOrder(absl::string_view charset, absl::string_view text, bool big_endian) {
  const std::string name = absl::AsciiStrToUpper(charset);
  const bool is16 = name == "UTF-16" || name == "UTF16";
  const bool is32 = name == "UTF-32" || name == "UTF32";
  if (!is16 && !is32) return std::string(charset);
  const bool has_mark =
      is16 ? absl::StartsWith(text, "\xff\xfe") || absl::StartsWith(text, "\xfe\xff")
           : absl::StartsWith(text, absl::string_view("\xff\xfe\0\0", 4)) ||
                 absl::StartsWith(text, absl::string_view("\0\0\xfe\xff", 4));
  if (has_mark) return name;
  return absl::StrCat(is16 ? "UTF-16" : "UTF-32", big_endian ? "BE" : "LE");
}

struct IconvCloser {
  void operator()(void* descriptor) const { ::iconv_close(descriptor); }
};

// What Python's codecs and browsers call the charsets of text that is still about.
constexpr const char* kCommonCharsets[] = {
    "UTF-16",       "UTF-16LE",     "UTF-16BE",     "UTF-32",       "UTF-32LE",     "UTF-32BE",
    "UTF-7",        "LATIN1",       "ISO-8859-1",   "ISO-8859-2",   "ISO-8859-3",   "ISO-8859-4",
    "ISO-8859-5",   "ISO-8859-6",   "ISO-8859-7",   "ISO-8859-8",   "ISO-8859-9",   "ISO-8859-10",
    "ISO-8859-11",  "ISO-8859-13",  "ISO-8859-14",  "ISO-8859-15",  "ISO-8859-16",  "WINDOWS-1250",
    "WINDOWS-1251", "WINDOWS-1252", "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256",
    "WINDOWS-1257", "WINDOWS-1258", "CP1250",       "CP1251",       "CP1252",       "CP1253",
    "CP1254",       "CP1255",       "CP1256",       "CP1257",       "CP1258",       "CP437",
    "CP850",        "CP866",        "KOI8-R",       "KOI8-U",       "SHIFT_JIS",    "CP932",
    "EUC-JP",       "ISO-2022-JP",  "GB2312",       "GBK",          "GB18030",      "BIG5",
    "EUC-KR",       "CP949",        "MACINTOSH"};

// Names under which LoadCommonCharsets has found something; nullopt: it was not called.
std::optional<std::vector<std::string>>& LoadedNames() {
  static auto& names = *new std::optional<std::vector<std::string>>;
  return names;
}

bool MayOpen(absl::string_view name) {
  const auto& loaded = LoadedNames();
  return !loaded || std::any_of(loaded->begin(), loaded->end(), [name](const std::string& one) {
    return absl::EqualsIgnoreCase(one, name);
  });
}

}  // namespace

void LoadCommonCharsets() {
  std::vector<std::string> names;
  for (const char* name : kCommonCharsets) {
    // Not closed: that would unload it again.
    if (::iconv_open("UTF-8", name) != reinterpret_cast<iconv_t>(-1)) names.emplace_back(name);
  }
  LoadedNames() = std::move(names);
}

bool IsUtf8Charset(absl::string_view charset) {
  return charset.empty() || absl::EqualsIgnoreCase(charset, "utf-8") ||
         absl::EqualsIgnoreCase(charset, "utf8") || absl::EqualsIgnoreCase(charset, "ascii") ||
         absl::EqualsIgnoreCase(charset, "us-ascii");
}

absl::StatusOr<std::string> ToUtf8(absl::string_view text, absl::string_view charset,
                                   bool big_endian) {
  // Names with a slash carry iconv's own options ("//TRANSLIT"), which are not the client's to set.
  const std::string name = CharsetWithOrder(charset, text, big_endian);
  void* const raw = name.empty() || absl::StrContains(name, '/') || absl::StrContains(name, '\0') ||
                            !MayOpen(name)
                        ? reinterpret_cast<void*>(-1)
                        : ::iconv_open("UTF-8", name.c_str());
  if (raw == reinterpret_cast<void*>(-1))
    return absl::InvalidArgumentError("unknown content-encoding");
  const std::unique_ptr<void, IconvCloser> descriptor(raw);
  std::string out;
  char* from = const_cast<char*>(text.data());
  size_t left = text.size();
  char chunk[16 << 10];
  const auto no_text = [] {
    return absl::InvalidArgumentError("content is not text in its content-encoding");
  };
  while (left > 0) {
    char* to = chunk;
    size_t room = sizeof(chunk);
    const size_t left_before = left;
    const size_t converted = ::iconv(descriptor.get(), &from, &left, &to, &room);
    out.append(chunk, static_cast<size_t>(to - chunk));
    if (converted == static_cast<size_t>(-1) && (errno != E2BIG || left == left_before)) {
      return no_text();
    }
  }
  // iconv lets through what was UTF-8 once: sequences of five and six bytes.
  if (!simdjson::validate_utf8(out.data(), out.size())) return no_text();
  if (absl::StartsWith(out, kBom)) out.erase(0, kBom.size());
  return out;
}

}  // namespace windlass
