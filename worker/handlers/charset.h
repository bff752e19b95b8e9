#ifndef WINDLASS_WORKER_HANDLERS_CHARSET_H_
#define WINDLASS_WORKER_HANDLERS_CHARSET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace windlass {

// True for the names under which UTF-8 goes: "utf-8", "UTF8", also "ascii", which is a part of it,
// and "", which is what protocols without metadata say.
bool IsUtf8Charset(absl::string_view charset);

// Converts text to UTF-8 by iconv(3). For utf-16 and utf-32 without a byte order mark `big_endian`
// decides. A byte order mark is dropped. InvalidArgument: unknown charset, or bytes that are not
// text in it.
absl::StatusOr<std::string> ToUtf8(absl::string_view text, absl::string_view charset,
                                   bool big_endian);

// For a process that may open no file later (worker/pool/sandbox.h): loads what the common charsets
// need, for good. From then on every other one is unknown. Blocking: some milliseconds of disk.
void LoadCommonCharsets();

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_CHARSET_H_
