#include "common/units.h"

#include <array>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

struct SizeUnit {
  absl::string_view name;
  uint64_t bytes;
};

// The binary units come first, largest first: FormatSize takes the first that divides.
constexpr size_t kBinaryUnits = 4;
constexpr std::array<SizeUnit, 11> kSizeUnits = {{{"TiB", uint64_t{1} << 40},
                                                  {"GiB", 1 << 30},
                                                  {"MiB", 1 << 20},
                                                  {"KiB", 1 << 10},
                                                  {"TB", 1'000'000'000'000},
                                                  {"GB", 1'000'000'000},
                                                  {"MB", 1'000'000},
                                                  {"kB", 1000},
                                                  {"KB", 1000},
                                                  {"B", 1},
                                                  {"", 1}}};

absl::Status NotADuration(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text,
                   "\" is not a duration: write a number with a unit, like \"500ms\", \"30s\", "
                   "\"5m\" or \"1h30m\""));
}

absl::Status NotASize(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text,
                                                 "\" is not a size: write a whole number of bytes, "
                                                 "or one with a unit, like \"64KiB\" or \"10MB\""));
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  if (absl::StartsWith(text, "-")) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\": a duration cannot be negative"));
  }
  absl::Duration duration;
  // Abseil would also take a leading '+', a leading '.' and "inf".
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text[0])) ||
      !absl::ParseDuration(text, &duration)) {
    return NotADuration(text);
  }
  if (duration == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\": this duration is too long"));
  }
  return duration;
}

absl::StatusOr<uint64_t> ParseSize(absl::string_view text) {
  if (absl::StartsWith(text, "-")) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\": a size cannot be negative"));
  }
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[digits]))) {
    ++digits;
  }
  if (digits == 0) return NotASize(text);
  for (const SizeUnit& unit : kSizeUnits) {
    if (text.substr(digits) != unit.name) continue;
    uint64_t number = 0;
    uint64_t bytes = 0;
    if (!absl::SimpleAtoi(text.substr(0, digits), &number) ||
        __builtin_mul_overflow(number, unit.bytes, &bytes)) {
      return absl::InvalidArgumentError(absl::StrCat("\"", text, "\": this size is too large"));
    }
    return bytes;
  }
  return NotASize(text);
}

std::string FormatSize(uint64_t bytes) {
  for (size_t i = 0; i < kBinaryUnits; ++i) {
    if (bytes != 0 && bytes % kSizeUnits[i].bytes == 0) {
      return absl::StrCat(bytes / kSizeUnits[i].bytes, kSizeUnits[i].name);
    }
  }
  return absl::StrCat(bytes);
}

}  // namespace windlass
