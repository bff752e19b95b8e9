#include "tools/bench/numbered_template.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace windlass {
namespace {

using Digits = std::array<char, NumberedTemplate::kDigits>;

Digits DigitsOf(uint64_t number) {
  Digits digits;
  for (size_t i = digits.size(); i > 0; --i) {
    digits[i - 1] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  return digits;
}

// What [offset, offset + size) has in common with the digits' place, both as offsets.
struct Overlap {
  size_t begin, end;
  bool empty() const { return begin >= end; }
};
Overlap WithDigits(size_t number_at, size_t offset, size_t size) {
  return {std::max(offset, number_at),
          std::min(offset + size, number_at + NumberedTemplate::kDigits)};
}

}  // namespace

NumberedTemplate NumberedTemplate::WithNumber(absl::string_view before, absl::string_view after) {
  NumberedTemplate made;
  made.text_ = absl::StrCat(before, std::string(kDigits, '0'), after);
  made.number_at_ = before.size();
  return made;
}

NumberedTemplate NumberedTemplate::Fixed(absl::string_view text) {
  NumberedTemplate made;
  made.text_ = std::string(text);
  return made;
}

size_t NumberedTemplate::CopyOut(uint64_t number, size_t offset, char* into, size_t room) const {
  const size_t size = std::min(room, text_.size() - offset);
  std::memcpy(into, text_.data() + offset, size);
  if (!number_at_) return size;
  const Overlap overlap = WithDigits(*number_at_, offset, size);
  if (overlap.empty()) return size;
  const Digits digits = DigitsOf(number);
  std::memcpy(into + (overlap.begin - offset), digits.data() + (overlap.begin - *number_at_),
              overlap.end - overlap.begin);
  return size;
}

bool NumberedTemplate::Matches(uint64_t number, size_t offset, absl::string_view bytes) const {
  CHECK(offset <= text_.size() && bytes.size() <= text_.size() - offset) << offset;
  const auto same = [&](size_t begin, size_t end, const char* expected) {
    return std::memcmp(bytes.data() + (begin - offset), expected, end - begin) == 0;
  };
  const size_t end = offset + bytes.size();
  if (!number_at_) return same(offset, end, text_.data() + offset);
  const Overlap overlap = WithDigits(*number_at_, offset, bytes.size());
  if (overlap.empty()) return same(offset, end, text_.data() + offset);
  const Digits digits = DigitsOf(number);
  return same(offset, overlap.begin, text_.data() + offset) &&
         same(overlap.begin, overlap.end, digits.data() + (overlap.begin - *number_at_)) &&
         same(overlap.end, end, text_.data() + overlap.end);
}

}  // namespace windlass
