#ifndef WINDLASS_WORKER_HANDLERS_FILE_HANDLER_H_
#define WINDLASS_WORKER_HANDLERS_FILE_HANDLER_H_

#include <memory>
#include <string>

#include "windlass/handler.h"

namespace windlass {

// `file`: the content is the name of a regular file under a root directory; the answer is the file,
// streamed by the kernel. Names cannot leave the root: resolved by openat2(2) with RESOLVE_BENEATH.
class FileHandler : public Handler {
 public:
  static absl::StatusOr<std::unique_ptr<FileHandler>> Open(const std::string& root);
  absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) override;

 private:
  explicit FileHandler(OwnedFd root) : root_(std::move(root)) {}
  const OwnedFd root_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_FILE_HANDLER_H_
