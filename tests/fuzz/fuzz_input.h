#ifndef WINDLASS_TESTS_FUZZ_FUZZ_INPUT_H_
#define WINDLASS_TESTS_FUZZ_FUZZ_INPUT_H_

#include <fuzzer/FuzzedDataProvider.h>

#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/log.h"
#include "simdjson.h"
#include "worker/framing/framing.h"

// What fuzzers share. An input is, from its front, the bytes that are parsed, and from its end,
// what FuzzedDataProvider makes numbers of; so seeds are mostly plain text.

namespace windlass::fuzz {

// Bytes with exactly the padding that parsers may count on: behind it a sanitizer sees every read.
class PaddedBytes {
 public:
  explicit PaddedBytes(absl::string_view bytes, char padding = '\0')
      : size_(bytes.size()), block_(new char[bytes.size() + kInputPadding]) {
    if (size_ > 0) std::memcpy(block_.get(), bytes.data(), size_);
    std::memset(block_.get() + size_, padding, kInputPadding);
  }
  absl::string_view view() const { return {block_.get(), size_}; }

 private:
  const size_t size_;
  const std::unique_ptr<char[]> block_;
};

inline bool IsJson(absl::string_view text) {
  const PaddedBytes padded(text);
  static auto& parser = *new simdjson::dom::parser;
  return parser.parse(padded.view().data(), text.size(), /*realloc_if_needed=*/false).error() ==
         simdjson::SUCCESS;
}

inline bool IsInside(absl::string_view part, absl::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace windlass::fuzz

#endif  // WINDLASS_TESTS_FUZZ_FUZZ_INPUT_H_
