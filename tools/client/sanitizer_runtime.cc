#include "tools/client/sanitizer_runtime.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/read_file.h"

namespace windlass {
namespace {

constexpr size_t kMaxLibraryBytes = size_t{1} << 30;
constexpr absl::string_view kRuntime = "libasan.so.";

absl::StatusOr<std::vector<std::string>> OwnArguments() {
  const absl::StatusOr<std::string> line = ReadFile("/proc/self/cmdline");
  if (!line.ok()) return line.status();
  std::vector<std::string> arguments;
  for (size_t at = 0; at < line->size(); at = line->find('\0', at) + 1)
    arguments.emplace_back(line->c_str() + at);
  return arguments;
}

}  // namespace

// Among the file's strings, in which the names of needed libraries are.
std::string SanitizerRuntimeOf(const std::string& file_content) {
  for (size_t at = file_content.find(kRuntime.data(), 0, kRuntime.size()); at != std::string::npos;
       at = file_content.find(kRuntime.data(), at + 1, kRuntime.size())) {
    const bool begins = at == 0 || file_content[at - 1] == '\0';
    size_t end = at + kRuntime.size();
    while (end < file_content.size() &&
           absl::ascii_isdigit(static_cast<unsigned char>(file_content[end])))
      ++end;
    const bool is_whole =
        end > at + kRuntime.size() && end < file_content.size() && file_content[end] == '\0';
    if (begins && is_whole) return file_content.substr(at, end - at);
  }
  return "";
}

absl::Status ProvideSanitizerRuntime(const std::string& library) {
  if (::dlsym(RTLD_DEFAULT, "__asan_init") != nullptr) return absl::OkStatus();
  const absl::StatusOr<std::string> content = ReadFile(library, kMaxLibraryBytes);
  if (!content.ok()) return content.status();
  const std::string runtime = SanitizerRuntimeOf(*content);
  if (runtime.empty()) return absl::OkStatus();
  const char* const before = std::getenv("LD_PRELOAD");
  if (before != nullptr && absl::StrContains(before, runtime)) {
    return absl::FailedPreconditionError(absl::StrCat(library,
                                                      " was built with -fsanitize=address, but ",
                                                      runtime, " could not be loaded: install it"));
  }
  absl::StatusOr<std::vector<std::string>> arguments = OwnArguments();
  if (!arguments.ok()) return arguments.status();
  std::vector<char*> pointers;
  for (std::string& argument : *arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::fprintf(stderr, "%s was built with -fsanitize=address: starting again with LD_PRELOAD=%s\n",
               library.c_str(), runtime.c_str());
  // First, because the sanitizer insists on it.
  const std::string preload = before == nullptr ? runtime : absl::StrCat(runtime, ":", before);
  ::setenv("LD_PRELOAD", preload.c_str(), 1);
  ::execv("/proc/self/exe", pointers.data());
  return absl::ErrnoToStatus(errno, "start again");
}

}  // namespace windlass
