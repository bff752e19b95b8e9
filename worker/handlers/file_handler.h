#ifndef WINDLASS_WORKER_HANDLERS_FILE_HANDLER_H_
#define WINDLASS_WORKER_HANDLERS_FILE_HANDLER_H_

#include "windlass/handler.h"

namespace windlass {

// `file`: the content is the name of a regular file under a root directory; the answer is the file,
// streamed by the kernel. Names cannot leave the root: resolved by openat2(2) with RESOLVE_BENEATH.
class FileHandler : public Handler {
 public:
  // Option `root`: opens it.
  absl::Status Preload(HandlerOptions& options, SharedArena& arena) override;
  absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) override;

 private:
  OwnedFd root_;  // fixed after Preload
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_FILE_HANDLER_H_
