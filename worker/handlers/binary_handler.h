#ifndef WINDLASS_WORKER_HANDLERS_BINARY_HANDLER_H_
#define WINDLASS_WORKER_HANDLERS_BINARY_HANDLER_H_

#include "windlass/handler.h"

namespace windlass {

// `binary`: answers with the first ten bytes of the content.
class BinaryHandler : public Handler {
 public:
  absl::StatusOr<Response> Handle(const Request& request, HandlerContext&) override {
    Response response{"binary/custom-server-binary-type", "binary", ErrorCode::kOk, {}};
    response.pieces.push_back(ResponsePiece::Borrowed("First 10 bytes of request: "));
    response.pieces.push_back(ResponsePiece::Borrowed(request.content.substr(0, 10)));
    return response;
  }
};

// `echo`: answers with the content, as what it came as.
class EchoHandler : public Handler {
 public:
  absl::StatusOr<Response> Handle(const Request& request, HandlerContext&) override {
    Response response{request.content_type, request.content_encoding, ErrorCode::kOk, {}};
    response.pieces.push_back(ResponsePiece::Borrowed(request.content));
    return response;
  }
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_BINARY_HANDLER_H_
