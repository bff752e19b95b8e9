#include "worker/pool/call_handler.h"

// The linker says where a section begins and ends if its name is one of C.
extern "C" {
extern const char __start_windlass_call[] __attribute__((visibility("hidden")));
extern const char __stop_windlass_call[] __attribute__((visibility("hidden")));
}

#define WINDLASS_CALL __attribute__((noinline, section("windlass_call")))
// Something to come back to: no jump instead of a call.
#define WINDLASS_COME_BACK() __asm__ volatile("" : : : "memory")

namespace windlass {

WINDLASS_CALL absl::StatusOr<Response> CallHandler(Handler& handler, const Request& request,
                                                   HandlerContext& context) {
  absl::StatusOr<Response> response = handler.Handle(request, context);
  WINDLASS_COME_BACK();
  return response;
}

WINDLASS_CALL absl::Status CallSplit(Handler& handler, const Request& request, JobParts& parts,
                                     HandlerContext& context) {
  absl::Status status = handler.Split(request, parts, context);
  WINDLASS_COME_BACK();
  return status;
}

WINDLASS_CALL absl::StatusOr<PartResult> CallPart(Handler& handler, const Request& request,
                                                  const Part& part, HandlerContext& context) {
  absl::StatusOr<PartResult> result = handler.HandlePart(request, part, context);
  WINDLASS_COME_BACK();
  return result;
}

WINDLASS_CALL absl::StatusOr<Response> CallMerge(Handler& handler, const Request& request,
                                                 const PartResults& parts,
                                                 HandlerContext& context) {
  absl::StatusOr<Response> response = handler.Merge(request, parts, context);
  WINDLASS_COME_BACK();
  return response;
}

bool IsInCallHandler(uint64_t address) {
  return address >= reinterpret_cast<uint64_t>(__start_windlass_call) &&
         address < reinterpret_cast<uint64_t>(__stop_windlass_call);
}

}  // namespace windlass
