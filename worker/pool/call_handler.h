#ifndef WINDLASS_WORKER_POOL_CALL_HANDLER_H_
#define WINDLASS_WORKER_POOL_CALL_HANDLER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "windlass/handler.h"

namespace windlass {

// handler.Handle and what may be called instead of it, in frames of their own on the call stack,
// which can be told from all others by their addresses, without symbols: what is below them is the
// handler's, the rest is the server's own and the same for all jobs. Let exceptions through.
absl::StatusOr<Response> CallHandler(Handler& handler, const Request& request,
                                     HandlerContext& context);
absl::Status CallSplit(Handler& handler, const Request& request, JobParts& parts,
                       HandlerContext& context);
absl::StatusOr<PartResult> CallPart(Handler& handler, const Request& request, const Part& part,
                                    HandlerContext& context);
absl::StatusOr<Response> CallMerge(Handler& handler, const Request& request,
                                   const PartResults& parts, HandlerContext& context);
bool IsInCallHandler(uint64_t address);

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_CALL_HANDLER_H_
