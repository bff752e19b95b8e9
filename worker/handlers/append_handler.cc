#include "worker/handlers/append_handler.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {

absl::Status AppendHandler::Preload(HandlerOptions& options, SharedArena&) {
  const std::string path = options.RequiredString("file");
  // Non-blocking, so that a FIFO without a reader is an error here and not a process that hangs.
  OwnedFd file(::open(path.c_str(),
                      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640));
  if (!file.valid()) return absl::ErrnoToStatus(errno, absl::StrCat("append to ", path));
  const absl::StatusOr<FileIdentity> identity = IdentifyFile(file.get());
  if (!identity.ok()) return identity.status();
  if (!identity->is_regular)
    return absl::FailedPreconditionError(absl::StrCat("append to ", path, ": not a regular file"));
  file_ = std::move(file);
  path_ = path;
  return absl::OkStatus();
}

absl::StatusOr<Response> AppendHandler::Handle(const Request& request, HandlerContext&) {
  if (request.content.find('\n') != absl::string_view::npos)
    return absl::InvalidArgumentError("content with a newline cannot be appended as one line");
  char newline = '\n';
  const iovec pieces[] = {{const_cast<char*>(request.content.data()), request.content.size()},
                          {&newline, 1}};
  ssize_t n;
  do {
    n = ::writev(file_.get(), pieces, 2);
  } while (n < 0 && errno == EINTR);  // nothing was written
  if (n < 0) {
    // Never one of the codes that say that the client is at fault (EFBIG would be OutOfRange).
    return absl::InternalError(
        absl::ErrnoToStatus(errno, absl::StrCat("append to ", path_)).message());
  }
  const size_t written = static_cast<size_t>(n);
  if (written != request.content.size() + 1) {
    return absl::DataLossError(absl::StrCat("append to ", path_, ": only ", written, " of ",
                                            request.content.size() + 1, " bytes were written"));
  }
  Response response{request.content_type, request.content_encoding, ErrorCode::kOk, {}};
  response.pieces.push_back(ResponsePiece::Borrowed(request.content));
  return response;
}

}  // namespace windlass
