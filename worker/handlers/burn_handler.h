#ifndef WINDLASS_WORKER_HANDLERS_BURN_HANDLER_H_
#define WINDLASS_WORKER_HANDLERS_BURN_HANDLER_H_

#include <string>

#include "windlass/handler.h"
#include "worker/handlers/json_content.h"

namespace windlass {

// `burn`: {"action": "burn", "ms": N} uses N milliseconds of CPU time (not of wall time) and
// answers
// {"result": "Burned N ms."}. For sizing and load tests. Stops early when cancelled or at the
// deadline.
class BurnHandler : public Handler {
 public:
  absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) override;

 private:
  // Scratch reused between jobs.
  JsonContent json_;
  std::string answer_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_BURN_HANDLER_H_
