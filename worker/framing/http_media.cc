#include "worker/framing/http_media.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace windlass {
namespace {

constexpr absl::string_view kJson = "text/json";  // of ours
constexpr absl::string_view kHttpJson = "application/json";

bool IsFieldText(absl::string_view text) {
  return absl::c_all_of(text, [](char c) { return c >= ' ' && c != 0x7f; });
}

bool IsToken(absl::string_view text) {
  return !text.empty() && absl::c_all_of(text, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains("!#$%&'*+-.^_`|~", c);
  });
}

absl::string_view FindCharset(absl::string_view parameters) {
  while (!parameters.empty()) {
    const size_t end = std::min(parameters.find(';'), parameters.size());
    absl::string_view parameter = absl::StripAsciiWhitespace(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    const size_t equals = parameter.find('=');
    if (equals == absl::string_view::npos) continue;
    if (!absl::EqualsIgnoreCase(parameter.substr(0, equals), "charset")) continue;
    parameter.remove_prefix(equals + 1);
    if (parameter.size() >= 2 && absl::ConsumePrefix(&parameter, "\"")) {
      absl::ConsumeSuffix(&parameter, "\"");
    }
    return parameter;
  }
  return {};
}

}  // namespace

MediaType ReadMediaType(absl::string_view field) {
  const size_t end = std::min(field.find(';'), field.size());
  MediaType media{absl::StripAsciiWhitespace(field.substr(0, end)), {}};
  if (absl::EqualsIgnoreCase(media.type, kHttpJson)) media.type = kJson;
  if (end < field.size()) media.charset = FindCharset(field.substr(end + 1));
  if (media.charset.empty()) {
    media.charset = absl::StartsWithIgnoreCase(media.type, "text/") ? "utf-8" : "binary";
  }
  return media;
}

void AppendMediaType(absl::string_view type, absl::string_view encoding, std::string* out) {
  if (type.empty() || !IsFieldText(type)) {
    absl::StrAppend(out, "application/octet-stream");
    return;
  }
  absl::StrAppend(out, type == kJson ? kHttpJson : type);
  // A type may come with its charset already.
  if (IsToken(encoding) && encoding != "binary" && !absl::StrContains(type, ';')) {
    absl::StrAppend(out, "; charset=", encoding);
  }
}

}  // namespace windlass
