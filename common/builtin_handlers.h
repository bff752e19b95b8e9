#ifndef WINDLASS_COMMON_BUILTIN_HANDLERS_H_
#define WINDLASS_COMMON_BUILTIN_HANDLERS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/config.h"

// The built-in handlers as the configuration sees them: names and options. What they do is in
// worker/handlers/.

namespace windlass {

// Every option so far is a string.
struct BuiltinOption {
  std::string name;
  bool required = false;
  std::string help;
  bool is_absolute_path = false;
};

struct Builtin {
  std::string name;
  bool by_default = true;  // there under its own name without being configured
  std::string help;
  std::vector<BuiltinOption> options;
  bool idempotent = true;  // unless the configuration says otherwise
  bool json = false;       // the same

  std::vector<std::string> OptionNames() const;
};

const std::vector<Builtin>& Builtins();
const Builtin* FindBuiltin(absl::string_view name);  // null when there is none
std::vector<std::string> BuiltinNames();

// The handlers of a configuration that says nothing about them.
std::vector<HandlerConfig> DefaultHandlers();

}  // namespace windlass

#endif  // WINDLASS_COMMON_BUILTIN_HANDLERS_H_
