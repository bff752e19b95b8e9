#include "worker/handlers/static_handler.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/read_file.h"

namespace windlass {

absl::Status StaticHandler::Preload(HandlerOptions& options, SharedArena&) {
  const std::string file = options.String("file", "");
  const bool has_body = options.Has("body");
  content_ = options.String("body", "");
  content_type_ =
      options.String("content_type", file.empty() ? "text/plain" : "application/octet-stream");
  content_encoding_ = options.String("charset", file.empty() ? "utf-8" : "binary");
  if (has_body == !file.empty()) {
    return absl::InvalidArgumentError("static needs the option 'body' or 'file', one of the two");
  }
  if (has_body) return absl::OkStatus();
  absl::StatusOr<std::string> read = ReadFile(file, kMaxFileBytes);
  if (absl::IsPermissionDenied(read.status())) {
    return absl::PermissionDeniedError(
        absl::StrCat(read.status().message(), " (tried as user number ", ::geteuid(), ")"));
  }
  if (!read.ok()) return read.status();
  content_ = *std::move(read);
  return absl::OkStatus();
}

absl::StatusOr<Response> StaticHandler::Handle(const Request&, HandlerContext&) {
  Response response{content_type_, content_encoding_, ErrorCode::kOk, {}};
  response.pieces.push_back(ResponsePiece::Borrowed(content_));
  return response;
}

}  // namespace windlass
