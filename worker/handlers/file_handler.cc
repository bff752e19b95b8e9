#include "worker/handlers/file_handler.h"

#include <string>

#include "common/posix.h"

namespace windlass {

absl::Status FileHandler::Preload(HandlerOptions& options, SharedArena&) {
  absl::StatusOr<OwnedFd> directory = OpenDirectory(options.RequiredString("root"));
  if (!directory.ok()) return directory.status();
  root_ = *std::move(directory);
  return absl::OkStatus();
}

absl::StatusOr<Response> FileHandler::Handle(const Request& request, HandlerContext&) {
  const std::string name(request.content);
  if (name.empty() || name.find('\0') != std::string::npos)
    return absl::InvalidArgumentError("no file name");
  absl::StatusOr<OwnedFd> file = OpenBeneath(root_.get(), name);
  if (!file.ok()) return absl::NotFoundError("no such file");
  absl::StatusOr<FileIdentity> identity = IdentifyFile(file->get());
  if (!identity.ok() || !identity->is_regular) return absl::NotFoundError("not a regular file");
  Response response{"application/octet-stream", "binary", ErrorCode::kOk, {}};
  response.pieces.push_back(ResponsePiece::File(*std::move(file), 0, identity->size));
  return response;
}

}  // namespace windlass
