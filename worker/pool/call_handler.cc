#include "worker/pool/call_handler.h"

// The linker says where a section begins and ends if its name is one of C.
extern "C" {
extern const char __start_windlass_call[] __attribute__((visibility("hidden")));
extern const char __stop_windlass_call[] __attribute__((visibility("hidden")));
}

namespace windlass {

__attribute__((noinline, section("windlass_call"))) absl::StatusOr<Response> CallHandler(
    Handler& handler, const Request& request, HandlerContext& context) {
  absl::StatusOr<Response> response = handler.Handle(request, context);
  __asm__ volatile("" : : : "memory");  // something to come back to: no jump instead of a call
  return response;
}

bool IsInCallHandler(uint64_t address) {
  return address >= reinterpret_cast<uint64_t>(__start_windlass_call) &&
         address < reinterpret_cast<uint64_t>(__stop_windlass_call);
}

}  // namespace windlass
