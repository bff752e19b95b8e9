#ifndef WINDLASS_WORKER_HANDLERS_APPEND_HANDLER_H_
#define WINDLASS_WORKER_HANDLERS_APPEND_HANDLER_H_

#include <string>

#include "windlass/handler.h"

namespace windlass {

// `append`: adds the content and a newline to the end of a regular file and answers with the
// content. A log-structured sink: for audit trails, and for proof that no job runs twice.
// Invariant: a record is one write to an O_APPEND descriptor, so that records of several processes
// never mix. It is in the file before the answer is sent, and survives this process, but not a
// power failure: nothing is synced. Blocking: as long as the file system does.
class AppendHandler : public Handler {
 public:
  // Option `file`: opens it, making it (mode 0640, less the umask) when there is none. Errors name
  // the path.
  absl::Status Preload(HandlerOptions& options, SharedArena& arena) override;
  // Errors: InvalidArgument for content with a newline, which would be two records. Otherwise the
  // record may be missing or, when the disk is full, torn: then it has no newline.
  absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) override;

 private:
  // Fixed after Preload.
  OwnedFd file_;
  std::string path_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_APPEND_HANDLER_H_
