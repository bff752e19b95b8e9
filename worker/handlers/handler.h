#ifndef WINDLASS_WORKER_HANDLERS_HANDLER_H_
#define WINDLASS_WORKER_HANDLERS_HANDLER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/error_code.h"
#include "common/owned_fd.h"

// What somebody who writes payload work sees: a request comes in, a response or an absl::Status
// goes out. Nothing of sockets, frames or the internal messages.

namespace windlass {

enum class ByteOrder : uint8_t { kLittle, kBig };

// One request. All views are valid during Handle, and so are response pieces that refer to them.
struct Request {
  absl::string_view content;                  // 64 readable bytes follow it
  absl::string_view content_type;             // "" where the client's protocol has none
  absl::string_view content_encoding;         // charset of text, "binary", or ""
  ByteOrder byte_order = ByteOrder::kLittle;  // of multi-byte numbers inside binary content
  absl::string_view
      header;  // the client's whole header object (JSON) if it has keys of its own, else ""
};

// What a handler may ask while it works. Blocking: never.
class HandlerContext {
 public:
  virtual ~HandlerContext() = default;
  virtual uint64_t job_id() const = 0;
  // By then the client gets deadline_exceeded, whatever the handler does.
  virtual absl::Duration time_left() const = 0;
  // True when nobody waits for the answer any more: the client is gone. Cheap; ask in long loops.
  virtual bool cancelled() const = 0;
  // A string header key that the client added; nullopt when absent. Parses the header on first use.
  virtual std::optional<std::string> header(absl::string_view key) = 0;
};

// A part of a response's content.
struct ResponsePiece {
  // Bytes that live in the request, in the handler or in static memory: not copied, valid until
  // Handle is next called.
  static ResponsePiece Borrowed(absl::string_view bytes) { return {bytes, {}, {}, 0, 0}; }
  static ResponsePiece Owned(std::string bytes) { return {{}, std::move(bytes), {}, 0, 0}; }
  // `bytes` of a regular file from `offset`: streamed to the client by the kernel, never read into
  // memory.
  static ResponsePiece File(OwnedFd file, uint64_t offset, uint64_t bytes) {
    return {{}, {}, std::move(file), offset, bytes};
  }
  bool is_file() const { return file.valid(); }
  absl::string_view bytes() const { return owned.empty() ? borrowed : absl::string_view(owned); }
  uint64_t size() const { return is_file() ? file_bytes : bytes().size(); }

  absl::string_view borrowed;
  std::string owned;
  OwnedFd file;
  uint64_t file_offset = 0;
  uint64_t file_bytes = 0;
};

struct Response {
  absl::string_view content_type;  // static or in the request
  absl::string_view content_encoding;
  // An answer that is an error and has content of its own form; usually kOk. For a plain error
  // return a Status instead.
  ErrorCode status = ErrorCode::kOk;
  absl::InlinedVector<ResponsePiece, 2> pieces;  // at most kMaxResponseFiles of them files
};
constexpr size_t kMaxResponseFiles = 8;

// Role: payload work of one kind. Pool processes only, one job at a time, so it needs no locks and
// may block or use the CPU as long as its deadline allows. An exception, a crash or a hang costs
// this one job. Errors: a Status becomes the client's error answer: InvalidArgument, NotFound,
// OutOfRange (too_large), DeadlineExceeded by name, anything else handler_failed, with the message
// passed on.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) = 0;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_HANDLER_H_
