#include "tools/client/output.h"

#include <simdjson.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"

namespace windlass {

absl::Status WriteOut(absl::string_view bytes) {
  const size_t written = std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  if (written == bytes.size() && std::fflush(stdout) == 0) return absl::OkStatus();
  return absl::AbortedError("standard output: cannot be written");
}

absl::Status EndTerminalLine() {
  return ::isatty(STDOUT_FILENO) == 1 ? WriteOut("\n") : absl::OkStatus();
}

void AppendJsonBytes(absl::string_view name, absl::string_view bytes, std::string* out) {
  if (IsUtf8(bytes)) {
    absl::StrAppend(out, "\"", name, "\": ");
    AppendJsonString(bytes, out);
  } else {
    absl::StrAppend(out, "\"", name, "_base64\": \"", absl::Base64Escape(bytes), "\"");
  }
}

bool IsUtf8(absl::string_view bytes) { return simdjson::validate_utf8(bytes.data(), bytes.size()); }

}  // namespace windlass
