#ifndef WINDLASS_WORKER_HANDLERS_REGISTRY_H_
#define WINDLASS_WORKER_HANDLERS_REGISTRY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/config.h"
#include "windlass/handler.h"

namespace windlass {

// Makes the handler that `config` asks for, loading what it needs (a search table). Errors name the
// handler and what it could not load; the process that asked then cannot start.
absl::StatusOr<std::unique_ptr<Handler>> MakeHandler(const HandlerConfig& config);

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_REGISTRY_H_
