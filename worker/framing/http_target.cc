#include "worker/framing/http_target.h"

#include <arpa/inet.h>
#include <simdjson.h>

#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/json_text.h"

namespace windlass {
namespace {

constexpr size_t kMaxNames = 128;  // each is looked for among those before it

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Printable ASCII but what RFC 3986 has nowhere in a URI. A fragment is never sent.
bool IsUriText(absl::string_view text) {
  return absl::c_all_of(
      text, [](char c) { return c > ' ' && c < 0x7f && !absl::StrContains("\"#<>\\^`{|}", c); });
}

bool IsRegName(absl::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '%') {
      if (i + 2 >= name.size() || HexDigit(name[i + 1]) < 0 || HexDigit(name[i + 2]) < 0)
        return false;
      i += 2;
    } else if (!absl::ascii_isalnum(static_cast<unsigned char>(name[i])) &&
               !absl::StrContains("-._~!$&'()*+,;=", name[i])) {
      return false;
    }
  }
  return true;
}

bool IsIpLiteral(absl::string_view inside) {
  in6_addr address;
  return inet_pton(AF_INET6, std::string(inside).c_str(), &address) == 1;
}

}  // namespace

bool IsHttpHost(absl::string_view host) {
  absl::string_view port;
  if (absl::StartsWith(host, "[")) {
    const size_t end = host.find(']');
    if (end == absl::string_view::npos || !IsIpLiteral(host.substr(1, end - 1))) return false;
    port = host.substr(end + 1);
  } else {
    const size_t colon = std::min(host.find(':'), host.size());
    if (!IsRegName(host.substr(0, colon))) return false;
    port = host.substr(colon);
  }
  if (port.empty()) return true;
  return absl::ConsumePrefix(&port, ":") && absl::c_all_of(port, [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c));
         });
}

bool SplitHttpTarget(absl::string_view target, HttpTarget* into) {
  *into = HttpTarget{};
  if (!IsUriText(target)) return false;
  if (target == "*") {
    *into = {target, {}, {}};
    return true;
  }
  if (!absl::StartsWith(target, "/")) {
    const bool is_absolute = absl::StartsWithIgnoreCase(target, "http://") ||
                             absl::StartsWithIgnoreCase(target, "https://");
    if (!is_absolute) return false;
    target.remove_prefix(target.find("//") + 2);
    const size_t path = std::min(target.find_first_of("/?"), target.size());
    into->authority = target.substr(0, path);
    const bool has_host = path > 0 && into->authority[0] != ':';
    if (!has_host || !IsHttpHost(into->authority)) return false;
    target = path == target.size() ? absl::string_view("/") : target.substr(path);
  }
  const size_t question = target.find('?');
  into->path = target.substr(0, question);
  if (into->path.empty()) into->path = "/";
  into->query =
      question == absl::string_view::npos ? absl::string_view() : target.substr(question + 1);
  return true;
}

bool AppendPercentDecoded(absl::string_view text, bool plus_is_space, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
      out->push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out->push_back(text[i] == '+' && plus_is_space ? ' ' : text[i]);
    }
  }
  return true;
}

std::string AppendQueryAsJson(absl::string_view action, absl::string_view query, std::string* out) {
  if (!simdjson::validate_utf8(action.data(), action.size())) return "the path is no UTF-8";
  absl::StrAppend(out, R"({"action": )");
  AppendJsonString(action, out);
  std::vector<std::string> names;
  for (const absl::string_view pair : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const size_t equals = pair.find('=');
    std::string name, value;
    const bool is_decoded = AppendPercentDecoded(pair.substr(0, equals), true, &name) &&
                            (equals == absl::string_view::npos ||
                             AppendPercentDecoded(pair.substr(equals + 1), true, &value));
    if (!is_decoded) return "bad percent-encoding in the query";
    if (!simdjson::validate_utf8(name) || !simdjson::validate_utf8(value)) {
      return "the query is no UTF-8";
    }
    if (name == "action") return "'action' is given by the path";
    if (names.size() == kMaxNames)
      return absl::StrCat("more than ", kMaxNames, " names in the query");
    if (absl::c_linear_search(names, name)) {
      return absl::StrCat("'", absl::CEscape(name.substr(0, 64)), "' stands twice in the query");
    }
    absl::StrAppend(out, ", ");
    AppendJsonString(name, out);
    absl::StrAppend(out, ": ");
    AppendJsonString(value, out);
    names.push_back(std::move(name));
  }
  out->push_back('}');
  return "";
}

}  // namespace windlass
