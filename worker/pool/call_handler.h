#ifndef WINDLASS_WORKER_POOL_CALL_HANDLER_H_
#define WINDLASS_WORKER_POOL_CALL_HANDLER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "windlass/handler.h"

namespace windlass {

// handler.Handle, in a frame of its own on the call stack, which can be told from all others by its
// address, without symbols: what is below it is the handler's, the rest is the server's own and the
// same for all jobs. Lets exceptions through.
absl::StatusOr<Response> CallHandler(Handler& handler, const Request& request,
                                     HandlerContext& context);
bool IsInCallHandler(uint64_t address);

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_CALL_HANDLER_H_
