#ifndef WINDLASS_PLUGIN_H_
#define WINDLASS_PLUGIN_H_

#include <cstdint>
#include <memory>

#include "absl/base/config.h"
#include "windlass/version.h"

// How a shared library says which handlers are in it: by WINDLASS_HANDLER, once for each.

namespace windlass {

class Handler;

// Changes with anything in handler.h that a library compiled before would get wrong.
#define WINDLASS_PLUGIN_ABI 2

namespace plugin {

// One handler of a library. Static memory.
struct Entry {
  const char* name;
  std::unique_ptr<Handler> (*make)();  // may throw
  const Entry* next;
};

// What a library is, for the server to compare with itself before it uses anything else of it.
// Grows at its end only.
struct Description {
  uint32_t abi;          // WINDLASS_PLUGIN_ABI
  uint32_t abseil;       // its LTS release: types of Abseil are part of the interface
  uint32_t libstdcxx;    // _GLIBCXX_USE_CXX11_ABI: so are those of the standard library
  const char* version;   // of the headers
  const Entry* entries;  // linked; nullptr: none
};

#ifdef _GLIBCXX_USE_CXX11_ABI
inline constexpr uint32_t kStandardLibraryAbi = _GLIBCXX_USE_CXX11_ABI;
#else
inline constexpr uint32_t kStandardLibraryAbi = 0;
#endif

// Hidden: every library has one of its own, also when several are loaded.
__attribute__((visibility("hidden"))) inline constinit Description description = {
    WINDLASS_PLUGIN_ABI, ABSL_LTS_RELEASE_VERSION, kStandardLibraryAbi, WINDLASS_VERSION_STRING,
    nullptr};

}  // namespace plugin
}  // namespace windlass

// The one symbol that the server looks for. Its name has no number in it: a library of another ABI
// is found, and refused by its number.
extern "C" __attribute__((visibility("default"))) inline const windlass::plugin::Description*
windlass_plugin_description() {
  return &windlass::plugin::description;
}

namespace windlass::plugin {

using DescriptionFunction = const Description* (*)();

class Registration {
 public:
  Registration(const char* name, std::unique_ptr<Handler> (*make)())
      : entry_{name, make, description.entries}, describe_(&windlass_plugin_description) {
    description.entries = &entry_;
  }

 private:
  const Entry entry_;
  // Refers to the function, so that it is in the library.
  [[maybe_unused]] const DescriptionFunction describe_;
};

}  // namespace windlass::plugin

#define WINDLASS_JOINED(a, b) a##b
#define WINDLASS_JOIN(a, b) WINDLASS_JOINED(a, b)

// Makes `HandlerClass`, which must have a constructor without arguments, a handler of this library.
// `name`: a string literal; what [[handler]] says in `entry`, or in `name` where there is no
// `entry`. At namespace scope, followed by a semicolon.
#define WINDLASS_HANDLER(name, HandlerClass)                                                    \
  static const ::windlass::plugin::Registration WINDLASS_JOIN(                                  \
      windlass_handler_at_line_, __LINE__)(name, []() -> std::unique_ptr<::windlass::Handler> { \
    return std::make_unique<HandlerClass>();                                                    \
  })

#endif  // WINDLASS_PLUGIN_H_
