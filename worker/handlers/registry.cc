#include "worker/handlers/registry.h"

#include "worker/handlers/append_handler.h"
#include "worker/handlers/binary_handler.h"
#include "worker/handlers/burn_handler.h"
#include "worker/handlers/file_handler.h"
#include "worker/handlers/search_handler.h"
#include "worker/handlers/static_handler.h"

namespace windlass {
namespace {

template <typename H>
std::unique_ptr<Handler> Make() {
  return std::make_unique<H>();
}

struct BuiltinCode {
  absl::string_view name;
  std::unique_ptr<Handler> (*make)();
};
constexpr BuiltinCode kBuiltins[] = {
    {"search", &Make<SearchHandler>}, {"binary", &Make<BinaryHandler>},
    {"echo", &Make<EchoHandler>},     {"burn", &Make<BurnHandler>},
    {"file", &Make<FileHandler>},     {"append", &Make<AppendHandler>},
    {"static", &Make<StaticHandler>},
};

}  // namespace

std::unique_ptr<Handler> MakeBuiltin(absl::string_view name) {
  for (const BuiltinCode& builtin : kBuiltins) {
    if (builtin.name == name) return builtin.make();
  }
  return nullptr;
}

}  // namespace windlass
