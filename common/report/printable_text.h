#ifndef WINDLASS_COMMON_REPORT_PRINTABLE_TEXT_H_
#define WINDLASS_COMMON_REPORT_PRINTABLE_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

// Bytes that others chose (a client picks the name of its unix socket, a path may hold anything)
// made fit for a terminal and for JSON. Pure.

namespace windlass {

// Valid UTF-8 without control characters but newline and tab. What is neither becomes U+FFFD, one
// for each byte or control character.
std::string PrintableText(absl::string_view bytes);

// The same on one line: newlines and tabs become spaces.
std::string PrintableLine(absl::string_view bytes);

// Columns of a terminal that `printable` takes: none for what joins the character before it, two
// for what is wide in East Asian text. Whatever the locale is. REQUIRES: as PrintableLine gives it.
size_t DisplayWidth(absl::string_view printable);

// As much of it as fits into so many columns; "…" is the last of them if something is lost.
std::string CutToWidth(absl::string_view printable, size_t columns);

}  // namespace windlass

#endif  // WINDLASS_COMMON_REPORT_PRINTABLE_TEXT_H_
