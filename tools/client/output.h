#ifndef WINDLASS_TOOLS_CLIENT_OUTPUT_H_
#define WINDLASS_TOOLS_CLIENT_OUTPUT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace windlass {

// Writes to standard output and flushes. Aborted: nobody reads it any more (or the disk is full).
absl::Status WriteOut(absl::string_view bytes);

// A newline if standard output is a terminal, so that the prompt does not stick to binary output.
absl::Status EndTerminalLine();

// Appends `"NAME": "text"`, or `"NAME_base64": "..."` when the bytes are not UTF-8 and so no JSON
// text.
void AppendJsonBytes(absl::string_view name, absl::string_view bytes, std::string* out);

bool IsUtf8(absl::string_view bytes);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_OUTPUT_H_
