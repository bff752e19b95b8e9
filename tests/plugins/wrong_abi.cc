// A plug-in of another server: it describes itself with other numbers, and nothing else of it can
// be used.
#include <cstdint>

namespace {

struct OtherDescription {
  uint32_t abi, abseil, libstdcxx;
  const char* version;
  const void* entries;
};
const OtherDescription description = {4711, 20240722, 0, "9.8.7",
                                      reinterpret_cast<const void*>(0x10)};

}  // namespace

extern "C" __attribute__((visibility("default"))) const void* windlass_plugin_description() {
  return &description;
}
