#ifndef WINDLASS_TOOLS_CLIENT_SANITIZER_RUNTIME_H_
#define WINDLASS_TOOLS_CLIENT_SANITIZER_RUNTIME_H_

#include <string>

#include "absl/status/status.h"

namespace windlass {

// A library built with -fsanitize=address needs the runtime of the sanitizer in the process before
// anything else. When `library` (a path) is one and this process is without it, starts this program
// once more, with the same arguments and LD_PRELOAD, and says so on standard error: then it does
// not return. Errors: the file, and a runtime that did not come although it was asked for.
absl::Status ProvideSanitizerRuntime(const std::string& library);

// The name of the runtime that a library file asks for, "libasan.so.8"; "" when it asks for none.
std::string SanitizerRuntimeOf(const std::string& file_content);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_SANITIZER_RUNTIME_H_
