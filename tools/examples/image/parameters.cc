#include "tools/examples/image/parameters.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace windlass::image {
namespace {

// Bounded by what any limit allows.
constexpr uint32_t kMaxSide = 1 << 20;

absl::StatusOr<uint32_t> Number(Lookup lookup, absl::string_view key, uint32_t least,
                                uint32_t most) {
  const std::optional<std::string> text = lookup(key);
  uint32_t number = 0;
  if (!text) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, " is missing: a whole number from ", least, " to ", most));
  }
  if (!absl::SimpleAtoi(*text, &number) || number < least || number > most) {
    return absl::InvalidArgumentError(absl::StrCat(key, " must be a whole number from ", least,
                                                   " to ", most, ", not '", *text, "'"));
  }
  return number;
}

absl::Status TakeSize(Lookup lookup, uint32_t* width, uint32_t* height) {
  const absl::StatusOr<uint32_t> w = Number(lookup, "width", 1, kMaxSide);
  const absl::StatusOr<uint32_t> h = Number(lookup, "height", 1, kMaxSide);
  if (!w.ok()) return w.status();
  if (!h.ok()) return h.status();
  *width = *w;
  *height = *h;
  return absl::OkStatus();
}

absl::StatusOr<Format> FormatNamed(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  if (lower == "png") return Format::kPng;
  if (lower == "jpeg" || lower == "jpg") return Format::kJpeg;
  if (lower == "ppm") return Format::kPpm;
  if (lower == "pgm") return Format::kPgm;
  return absl::InvalidArgumentError(
      absl::StrCat("format must be png, jpeg, ppm or pgm, not '", name, "'"));
}

// A key that belongs to another operation is a mistake that nobody would find otherwise.
absl::Status RefuseKeysOfOthers(absl::string_view op, Lookup lookup) {
  constexpr std::pair<absl::string_view, absl::string_view> kKeys[] = {
      {"radius", "blur"},    {"width", "resize"},   {"height", "resize"},
      {"size", "thumbnail"}, {"degrees", "rotate"}, {"direction", "flip"}};
  for (const auto& [key, its_op] : kKeys) {
    if (op != its_op && lookup(key)) {
      return absl::InvalidArgumentError(
          absl::StrCat(key, " is for op ", its_op, ", not for op ", op));
    }
  }
  return absl::OkStatus();
}

absl::Status TakeOperation(absl::string_view op, Lookup lookup, Parameters* into) {
  Operation& operation = into->operation;
  absl::StatusOr<uint32_t> number = 0;
  if (op == "none") {
    operation.kind = OperationKind::kNone;
  } else if (op == "grayscale") {
    operation.kind = OperationKind::kGrayscale;
  } else if (op == "invert") {
    operation.kind = OperationKind::kInvert;
  } else if (op == "blur") {
    operation.kind = OperationKind::kBlur;
    number = Number(lookup, "radius", 1, kMaxRadius);
    if (number.ok()) operation.radius = *number;
  } else if (op == "resize") {
    operation.kind = OperationKind::kResize;
    return TakeSize(lookup, &operation.width, &operation.height);
  } else if (op == "thumbnail") {
    operation.kind = OperationKind::kResize;
    into->fits = true;
    number = Number(lookup, "size", 1, kMaxSide);
    if (number.ok()) operation.width = operation.height = *number;
  } else if (op == "rotate") {
    operation.kind = OperationKind::kRotate;
    number = Number(lookup, "degrees", 0, 359);
    if (!number.ok() || *number == 0 || *number % 90 != 0) {
      number = absl::InvalidArgumentError("degrees must be 90, 180 or 270");
    }
    if (number.ok()) operation.degrees = *number;
  } else if (op == "flip") {
    operation.kind = OperationKind::kFlip;
    const std::string direction = lookup("direction").value_or("horizontal");
    if (direction != "horizontal" && direction != "vertical") {
      return absl::InvalidArgumentError(
          absl::StrCat("direction must be horizontal or vertical, not '", direction, "'"));
    }
    operation.upside_down = direction == "vertical";
  } else {
    return absl::InvalidArgumentError(absl::StrCat(
        "op must be none, grayscale, invert, blur, resize, thumbnail, rotate or flip, not '", op,
        "'"));
  }
  return number.status();
}

}  // namespace

absl::StatusOr<Parameters> ReadParameters(Lookup lookup) {
  Parameters parameters;
  const std::string op = lookup("op").value_or("none");
  const absl::Status taken = TakeOperation(op, lookup, &parameters);
  if (!taken.ok()) return taken;
  const absl::Status alone = RefuseKeysOfOthers(op, lookup);
  if (!alone.ok()) return alone;
  if (const std::optional<std::string> name = lookup("format")) {
    const absl::StatusOr<Format> format = FormatNamed(*name);
    if (!format.ok()) return format.status();
    parameters.format = *format;
  }
  if (lookup("quality")) {
    const absl::StatusOr<uint32_t> quality = Number(lookup, "quality", 1, 100);
    if (!quality.ok()) return quality.status();
    parameters.quality = static_cast<int>(*quality);
  }
  return parameters;
}

absl::Status CheckQuery(absl::string_view query) {
  constexpr absl::string_view kKeys[] = {"op",      "radius",    "width",  "height", "size",
                                         "degrees", "direction", "format", "quality"};
  std::vector<absl::string_view> seen;
  for (const absl::string_view pair : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const absl::string_view key = pair.substr(0, pair.find('='));
    if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys)) {
      return absl::InvalidArgumentError(absl::StrCat("'", key, "' in the query is unknown"));
    }
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      return absl::InvalidArgumentError(absl::StrCat("'", key, "' stands twice in the query"));
    }
    seen.push_back(key);
  }
  return absl::OkStatus();
}

std::optional<std::string> QueryValue(absl::string_view query, absl::string_view key) {
  for (const absl::string_view pair : absl::StrSplit(query, '&')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    if (parts.first != key) continue;
    std::string value;
    for (size_t i = 0; i < parts.second.size(); ++i) {
      const absl::string_view rest = parts.second.substr(i);
      if (rest[0] == '%' && rest.size() >= 3 &&
          absl::ascii_isxdigit(static_cast<unsigned char>(rest[1])) &&
          absl::ascii_isxdigit(static_cast<unsigned char>(rest[2]))) {
        value += absl::HexStringToBytes(rest.substr(1, 2));
        i += 2;
      } else {
        value.push_back(rest[0] == '+' ? ' ' : rest[0]);
      }
    }
    return value;
  }
  return std::nullopt;
}

Operation OperationFor(const Parameters& parameters, const Shape& in) {
  Operation operation = parameters.operation;
  if (!parameters.fits) return operation;
  const uint64_t box = operation.width, longest = std::max(in.width, in.height);
  if (longest <= box) return Operation();
  const auto fit = [&](uint64_t side) {
    return static_cast<uint32_t>(std::max<uint64_t>(1, (side * box + longest / 2) / longest));
  };
  operation.width = fit(in.width);
  operation.height = fit(in.height);
  return operation;
}

}  // namespace windlass::image
