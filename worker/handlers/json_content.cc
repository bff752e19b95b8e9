#include "worker/handlers/json_content.h"

#include <iconv.h>
#include <simdjson.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr absl::string_view kBom = "\xef\xbb\xbf";

std::string_view Std(absl::string_view text) { return {text.data(), text.size()}; }

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

}  // namespace

bool IsUtf8Charset(absl::string_view charset) {
  return charset.empty() || absl::EqualsIgnoreCase(charset, "utf-8") ||
         absl::EqualsIgnoreCase(charset, "utf8") || absl::EqualsIgnoreCase(charset, "ascii") ||
         absl::EqualsIgnoreCase(charset, "us-ascii");
}

absl::StatusOr<std::string> ToUtf8(absl::string_view text, absl::string_view charset,
                                   bool big_endian) {
  // Names with a slash carry iconv's own options ("//TRANSLIT"), which are not the client's to set.
  const std::string name = CharsetWithOrder(charset, text, big_endian);
  void* const raw = name.empty() || absl::StrContains(name, '/') || absl::StrContains(name, '\0')
                        ? reinterpret_cast<void*>(-1)
                        : ::iconv_open("UTF-8", name.c_str());
  if (raw == reinterpret_cast<void*>(-1))
    return absl::InvalidArgumentError("unknown content-encoding");
  const std::unique_ptr<void, IconvCloser> descriptor(raw);
  std::string out;
  char* from = const_cast<char*>(text.data());
  size_t left = text.size();
  char chunk[16 << 10];
  while (left > 0) {
    char* to = chunk;
    size_t room = sizeof(chunk);
    const size_t left_before = left;
    const size_t converted = ::iconv(descriptor.get(), &from, &left, &to, &room);
    out.append(chunk, static_cast<size_t>(to - chunk));
    if (converted == static_cast<size_t>(-1) && (errno != E2BIG || left == left_before)) {
      return absl::InvalidArgumentError("content is not text in its content-encoding");
    }
  }
  if (absl::StartsWith(out, kBom)) out.erase(0, kBom.size());
  return out;
}

struct JsonContent::Impl {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  std::string converted;

  std::optional<simdjson::dom::element> Find(absl::string_view key) const {
    simdjson::dom::element value;
    if (object.at_key(Std(key)).get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
  }
};

JsonContent::JsonContent() : impl_(std::make_unique<Impl>()) {}
JsonContent::~JsonContent() = default;

absl::Status JsonContent::Parse(absl::string_view content, absl::string_view charset,
                                bool big_endian) {
  impl_->object = simdjson::dom::object();
  if (!IsUtf8Charset(charset)) {
    absl::StatusOr<std::string> converted = ToUtf8(content, charset, big_endian);
    if (!converted.ok()) return converted.status();
    impl_->converted = *std::move(converted);
    impl_->converted.append(simdjson::SIMDJSON_PADDING, '\0');
    content = absl::string_view(impl_->converted.data(),
                                impl_->converted.size() - simdjson::SIMDJSON_PADDING);
  }
  simdjson::dom::element root;
  const auto failure =
      impl_->parser.parse(content.data(), content.size(), /*realloc_if_needed=*/false).get(root);
  if (failure != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(
        absl::StrCat("content is not JSON: ", simdjson::error_message(failure)));
  }
  if (root.get(impl_->object) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError("content is not a JSON object");
  }
  return absl::OkStatus();
}

bool JsonContent::Has(absl::string_view key) const { return impl_->Find(key).has_value(); }

std::optional<absl::string_view> JsonContent::String(absl::string_view key) const {
  const std::optional<simdjson::dom::element> value = impl_->Find(key);
  std::string_view text;
  if (!value || value->get(text) != simdjson::SUCCESS) return std::nullopt;
  return absl::string_view(text.data(), text.size());
}

std::optional<int64_t> JsonContent::Integer(absl::string_view key) const {
  const std::optional<simdjson::dom::element> value = impl_->Find(key);
  int64_t number = 0;
  if (!value || value->get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

std::string JsonContent::Text(absl::string_view key) const {
  const std::optional<simdjson::dom::element> value = impl_->Find(key);
  if (!value) return "None";
  std::string_view text;
  if (value->get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(*value);
}

}  // namespace windlass
