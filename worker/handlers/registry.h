#ifndef WINDLASS_WORKER_HANDLERS_REGISTRY_H_
#define WINDLASS_WORKER_HANDLERS_REGISTRY_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "windlass/handler.h"

namespace windlass {

// A built-in handler by its name in the configuration (common/builtin_handlers.h), before its
// Preload; null when there is none of that name.
std::unique_ptr<Handler> MakeBuiltin(absl::string_view name);

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_REGISTRY_H_
