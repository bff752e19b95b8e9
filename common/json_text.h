#ifndef WINDLASS_COMMON_JSON_TEXT_H_
#define WINDLASS_COMMON_JSON_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace windlass {

// Appends `text` as a JSON string (RFC 8259 section 7): quotes, backslashes and control characters
// escaped, everything else as it is. simdjson, which reads our JSON, does not write it.
void AppendJsonString(absl::string_view text, std::string* out);

// The same for text that may be anything: what is not valid UTF-8 becomes U+FFFD, one for each such
// byte. Of at most `most` bytes with the quotes (at least 8): a longer one is cut between
// characters and ends with "...".
void AppendJsonTextUpTo(absl::string_view text, size_t most, std::string* out);

}  // namespace windlass

#endif  // WINDLASS_COMMON_JSON_TEXT_H_
