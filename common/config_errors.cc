#include "common/config_errors.h"

#include <algorithm>
#include <cstdint>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace windlass {
namespace {

// One error is one line, whatever a key or a value contains.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

}  // namespace

std::string FormatOrigin(const Origin& origin) {
  if (origin.position.line == 0) return origin.source;
  return absl::StrCat(origin.source, ":", origin.position.line, ":", origin.position.column);
}

void ConfigErrors::Add(const Origin& origin, absl::string_view message) {
  errors_.push_back({origin.position, OneLine(absl::StrCat(FormatOrigin(origin), ": ", message))});
}

absl::Status ConfigErrors::ToStatus() const {
  if (errors_.empty()) return absl::OkStatus();
  std::vector<Error> sorted = errors_;
  const auto rank = [](const Error& error) {
    const bool has_place = error.position.line != 0;
    return std::make_tuple(!has_place, error.position.line, error.position.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [rank](const Error& a, const Error& b) { return rank(a) < rank(b); });
  return absl::InvalidArgumentError(absl::StrJoin(
      sorted, "\n", [](std::string* out, const Error& error) { *out += error.line; }));
}

}  // namespace windlass
