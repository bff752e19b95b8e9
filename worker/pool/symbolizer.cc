#include "worker/pool/symbolizer.h"

#include <dlfcn.h>

#include "absl/debugging/symbolize.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace windlass {

void InitSymbolizer() { absl::InitializeSymbolizer("/proc/self/exe"); }

std::string SymbolizeAddress(uint64_t address, bool is_return_address) {
  const uint64_t meant = address - (is_return_address && address > 0 ? 1 : 0);
  const auto* const pointer = reinterpret_cast<const void*>(meant);
  char name[256];
  std::string text = absl::Symbolize(pointer, name, sizeof(name))
                         ? std::string(name)
                         : absl::StrCat("0x", absl::Hex(address));
  Dl_info info = {};
  if (::dladdr(pointer, &info) == 0 || info.dli_fname == nullptr) return text;
  absl::string_view file = info.dli_fname;
  file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
  absl::StrAppend(&text, " (", file, "+0x",
                  absl::Hex(meant - reinterpret_cast<uint64_t>(info.dli_fbase)), ")");
  return text;
}

}  // namespace windlass
