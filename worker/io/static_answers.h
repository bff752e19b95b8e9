#ifndef WINDLASS_WORKER_IO_STATIC_ANSWERS_H_
#define WINDLASS_WORKER_IO_STATIC_ANSWERS_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "common/config.h"
#include "worker/handlers/static_handler.h"

namespace windlass {

// Role: the answers of `static` handlers, which a worker gives by itself. Worker processes.
// Blocking: while files are read, in Load. Errors: a file that cannot be read; the worker cannot
// start, and so its generation.
class StaticAnswers {
 public:
  absl::Status Load(const Config& config);
  // Null: this handler is another one.
  const StaticHandler* Find(uint32_t handler) const {
    return handler < by_handler_.size() ? by_handler_[handler].get() : nullptr;
  }

 private:
  std::vector<std::unique_ptr<StaticHandler>> by_handler_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_STATIC_ANSWERS_H_
