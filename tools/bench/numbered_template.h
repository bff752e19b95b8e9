#ifndef WINDLASS_TOOLS_BENCH_NUMBERED_TEMPLATE_H_
#define WINDLASS_TOOLS_BENCH_NUMBERED_TEMPLATE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace windlass {

// Role: the bytes of request (or expected answer) number N, for every N: fixed text with ten
// decimal digits at a fixed place (or without a number: then all are the same). Nothing is stored
// per request: any part of any of them can be written or compared at any time. Blocking: never.
class NumberedTemplate {
 public:
  static constexpr size_t kDigits = 10;
  static constexpr uint64_t kNumbers = 10'000'000'000;  // larger numbers lose their leading digits

  // `before` + the number + `after`.
  static NumberedTemplate WithNumber(absl::string_view before, absl::string_view after);
  static NumberedTemplate Fixed(absl::string_view text);

  size_t size() const { return text_.size(); }
  // Writes bytes [offset, offset + room) of number N, as far as it has them; returns how many.
  size_t CopyOut(uint64_t number, size_t offset, char* into, size_t room) const;
  // Whether `bytes` are what number N has from `offset` on. REQUIRES: offset + bytes.size() <=
  // size().
  bool Matches(uint64_t number, size_t offset, absl::string_view bytes) const;

 private:
  std::string text_;  // with zeros where the number goes
  std::optional<size_t> number_at_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_NUMBERED_TEMPLATE_H_
