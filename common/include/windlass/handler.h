#ifndef WINDLASS_HANDLER_H_
#define WINDLASS_HANDLER_H_

#if __cplusplus < 202002L
#error "windlass/handler.h needs C++20: compile with -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "windlass/error_code.h"
#include "windlass/owned_fd.h"
#include "windlass/plugin.h"

// What somebody who writes payload work sees: a request comes in, a response or an absl::Status
// goes out. Nothing of sockets, frames or the server's internal messages.
//
//   class Shout : public windlass::Handler {
//     absl::StatusOr<windlass::Response> Handle(const windlass::Request& request,
//                                               windlass::HandlerContext&) override {
//       windlass::Response response{"text/plain", "utf-8"};
//       response.pieces.push_back(
//           windlass::ResponsePiece::Owned(absl::AsciiStrToUpper(request.content)));
//       return response;
//     }
//   };
//   WINDLASS_HANDLER("shout", Shout);
//
// Built as a shared library, it is named in the configuration by [[handler]] name and library.

namespace windlass {

enum class ByteOrder : uint8_t { kLittle, kBig };

// One request. All views are valid during Handle, and so are response pieces that refer to them.
struct Request {
  absl::string_view content;                  // 64 readable bytes follow it
  absl::string_view content_type;             // "" where the client's protocol has none
  absl::string_view content_encoding;         // charset of text, "binary", or ""
  ByteOrder byte_order = ByteOrder::kLittle;  // of multi-byte numbers inside binary content
  // The client's whole header object (JSON) if it has keys of its own, else "".
  absl::string_view header;
};

enum class HandlerLogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

// What a handler may ask while it works. Blocking: never.
class HandlerContext {
 public:
  virtual ~HandlerContext() = default;
  // As in the server's log, and in `windlassctl jobs` and `deaths`.
  virtual uint64_t job_id() const = 0;
  // 1; 2 when a process has died running this job, and it is tried once more.
  virtual int attempt() const = 0;
  // By then the client gets deadline_exceeded, whatever the handler does; half a second later the
  // process is killed. Infinite when deadlines are off.
  virtual absl::Duration time_left() const = 0;
  absl::Time deadline() const { return absl::Now() + time_left(); }
  // True when nobody waits for the answer any more: the client is gone, or was told that its
  // deadline has passed. Cheap; ask in long loops.
  virtual bool cancelled() const = 0;
  // A string header key that the client added; nullopt when absent. Parses the header on first use.
  virtual std::optional<std::string> header(absl::string_view key) = 0;
  // A line in the server's log that names the handler and the job. Beyond some lines a second they
  // are counted, not written. Payload bytes do not belong there.
  virtual void Log(HandlerLogLevel level, absl::string_view line) = 0;
  // Memory that is this job's until Handle is next called, aligned to 64 bytes, with any bytes in
  // it. Kept between jobs, so that asking for it costs nothing in the steady state. Response
  // pieces may refer to it. Throws std::bad_alloc.
  virtual absl::Span<char> Scratch(size_t bytes) = 0;
  // How many processes run this handler's jobs now, this one among them; at least 1.
  virtual int processes() const = 0;
  // Memory to make a large response in, or a part's content, aligned to a page, with any bytes in
  // it: borrowed pieces that lie there reach the client from there, without being copied. Once a
  // job, of which Split and Handle are one. ResourceExhausted: the memory for payloads is used up;
  // the client is told to try again when the handler returns it.
  virtual absl::StatusOr<absl::Span<char>> ResponseMemory(size_t bytes) = 0;
};

// What Split cuts a job into. Valid during Split. Blocking: never.
class JobParts {
 public:
  static constexpr int kMost = 64;
  static constexpr size_t kMostBytes = 1024;  // of `what` of a part

  virtual ~JobParts() = default;
  // One part more. `what` tells HandlePart which, in any form. Beyond kMost or kMostBytes the job
  // is handler_failed.
  virtual void Add(absl::string_view what) = 0;
  // Memory that Split, all parts and Merge of this job have in common, for what was decoded and
  // for what the parts make of it: zeroed, aligned to a page. All of it counts as memory for
  // payloads (workers.payload_memory). Once a job. ResourceExhausted: that is used up; the client
  // is told to try again when Split returns it.
  virtual absl::StatusOr<absl::Span<char>> Share(size_t bytes) = 0;
};

// One part of a job. Views are valid during HandlePart.
struct Part {
  int index = 0, count = 0;  // this one of so many
  absl::string_view what;    // as it was added
  // What Split has asked for, with what it has written there; else empty. Parts run at the same
  // time, in other processes: each writes where no other one reads or writes.
  absl::Span<char> shared;
};

// What HandlePart returns.
struct PartResult {
  PartResult(std::string bytes_for_merge = "") : bytes(std::move(bytes_for_merge)) {}
  PartResult(const char* bytes_for_merge) : bytes(bytes_for_merge) {}

  std::string bytes;  // for Merge, at most kMaxPartResultBytes
  // Any number of bytes for the response, which Merge does not see but puts in its place
  // (ResponsePiece::OfPart): in context.ResponseMemory, or copied there. Meant for what is large:
  // some bytes take a page, too. Valid until HandlePart is next called.
  absl::string_view content;
};
constexpr size_t kMaxPartResultBytes = 512;

// What has become of all parts. Views are valid until Merge's response has been sent, and its
// pieces may refer to them: those that refer to `shared` reach the client from there, without being
// copied.
struct PartResults {
  absl::Span<const absl::string_view> results;  // by index; PartResult::bytes
  absl::Span<const uint64_t> content_bytes;     // by index; how long PartResult::content is
  absl::Span<char> shared;
};

// The options of a handler in the configuration, its `options` table. Each call reads one key and
// makes it known; keys that Preload has not asked for are refused as unknown, and the first value
// of a wrong type or out of range fails the start, whatever Preload returns. What a call then
// returns is `otherwise`, so that Preload need not look. Valid during Preload. Blocking: never.
class HandlerOptions {
 public:
  virtual ~HandlerOptions() = default;
  virtual bool Has(absl::string_view key) const = 0;  // does not make it known
  virtual std::string String(absl::string_view key, absl::string_view otherwise) = 0;
  // Not set is an error, too.
  virtual std::string RequiredString(absl::string_view key) = 0;
  virtual int64_t Integer(absl::string_view key, int64_t otherwise, int64_t min, int64_t max) = 0;
  virtual double Number(absl::string_view key, double otherwise, double min, double max) = 0;
  virtual bool Boolean(absl::string_view key, bool otherwise) = 0;
  // "30s", "1m30s", "250ms"
  virtual absl::Duration Duration(absl::string_view key, absl::Duration otherwise) = 0;
  // "64MiB", or an integer
  virtual uint64_t Bytes(absl::string_view key, uint64_t otherwise) = 0;
  // An array of strings; empty where it is not set.
  virtual std::vector<std::string> Strings(absl::string_view key) = 0;
};

// Memory for what all processes share: models, tables. Writable during Preload only; afterwards
// read-only in every process, for ever: a handler that writes there crashes, and no other process
// sees a change. It exists once however many processes there are, and makes a replacement quick,
// because nothing of it is copied. The rest of the heap that Preload leaves is shared until
// somebody writes to it. Never freed.
class SharedArena {
 public:
  virtual ~SharedArena() = default;
  // Zeroed. `alignment`: a power of two up to 4096. ResourceExhausted: no memory.
  virtual absl::StatusOr<absl::Span<char>> Allocate(size_t bytes, size_t alignment = 64) = 0;
};

// A part of a response's content.
struct ResponsePiece {
  // Bytes that live in the request, in the handler, in scratch, response or static memory: valid
  // until Handle is next called.
  static ResponsePiece Borrowed(absl::string_view bytes) {
    return {bytes, {}, {}, 0, 0, false, false};
  }
  static ResponsePiece Owned(std::string bytes) {
    return {{}, std::move(bytes), {}, 0, 0, false, false};
  }
  // `bytes` of a regular file from `offset`: streamed to the client by the kernel, never read into
  // memory. A `file` that is not open makes the job handler_failed.
  static ResponsePiece File(OwnedFd file, uint64_t offset, uint64_t bytes) {
    const bool is_open = file.valid();
    return {{}, {}, std::move(file), offset, bytes, false, !is_open};
  }
  // The same of a memfd that the handler has filled, made with MFD_ALLOW_SEALING. It must not be
  // mapped for writing any more: it is sealed against changes, or the job is handler_failed.
  static ResponsePiece Memfd(OwnedFd memfd, uint64_t offset, uint64_t bytes) {
    const bool is_open = memfd.valid();
    return {{}, {}, std::move(memfd), offset, bytes, true, !is_open};
  }
  // Of Merge's response: the content of the part at `index`, which has some. Each at most once.
  static ResponsePiece OfPart(int index) { return {{}, {}, {}, 0, 0, false, false, index}; }
  bool is_file() const { return file.valid(); }  // a file, or a memfd
  bool is_part() const { return part >= 0; }     // size() is 0
  absl::string_view bytes() const { return owned.empty() ? borrowed : absl::string_view(owned); }
  uint64_t size() const { return is_file() ? file_bytes : bytes().size(); }

  absl::string_view borrowed;
  std::string owned;
  OwnedFd file;
  uint64_t file_offset = 0;
  uint64_t file_bytes = 0;
  bool is_memfd = false;
  bool is_missing = false;  // a file or memfd that is not open
  int part = -1;            // whose content it is; -1: no part's
};

struct Response {
  // Static, in the request or in the handler: valid until Handle is next called.
  absl::string_view content_type;
  absl::string_view content_encoding;  // charset of text, or "binary"
  // An answer that is an error and has content of its own form; usually kOk. For a plain error
  // return a Status instead.
  ErrorCode status = ErrorCode::kOk;
  // At most kMaxResponsePieces, kMaxResponseFiles of them files; those of parts beside them.
  absl::InlinedVector<ResponsePiece, 2> pieces = {};
};
constexpr size_t kMaxResponsePieces = 16;
constexpr size_t kMaxResponseFiles = 8;

// Role: payload work of one kind. Life:
//
//   constructor, Preload   once for each generation of the server's processes, as a template that
//                          runs no jobs
//   Start                  in each pool process, which begins as a copy of that template
//   Handle                 there, for one job after the other
//
// One job at a time, so it needs no locks and may block or use the CPU as long as its deadline
// allows. What is in memory after Preload is in every pool process; threads are not, and sockets
// are, as one that they all share: make threads and connections in Start. Handlers of
// pthread_atfork(3) do not run. A job that is slow or late gets a real-time signal, SIGRTMIN+7,
// which has its process note its call stack; a system call that it is in may end with EINTR.
// A handler whose jobs can be large may cut one into parts, which run at the same time in as many
// processes as are free, as jobs of their own with the deadline of the whole:
//
//   Split         adds parts, or none: then Handle does the whole job, in the same process
//   HandlePart    for each of them, in any process of the pool; no process waits for another one
//   Merge         when all are done, in any process of the pool: makes the response
//
// All of them get the same request; job_id() and attempt() are each one's own. A part whose process
// crashes is tried once more, alone, if the handler is idempotent, and may find what the first
// attempt has written. A part that returns an error ends the job with it.
//
// Errors: what Preload or Start returns or throws stops that generation from starting, and is told
// to whoever asked for it; an exception, a crash or a hang in Handle costs that one job. A Status
// that Handle returns becomes the client's error answer: InvalidArgument, NotFound, OutOfRange
// (too_large), DeadlineExceeded by name, anything else handler_failed, with the message passed on.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual absl::Status Preload(HandlerOptions& /*options*/, SharedArena& /*arena*/) {
    return absl::OkStatus();
  }
  virtual absl::Status Start() { return absl::OkStatus(); }
  virtual absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) = 0;
  // Called before Handle. Should be quick where a job is not worth sharing.
  virtual absl::Status Split(const Request& /*request*/, JobParts& /*parts*/,
                             HandlerContext& /*context*/) {
    return absl::OkStatus();
  }
  virtual absl::StatusOr<PartResult> HandlePart(const Request& /*request*/, const Part& /*part*/,
                                                HandlerContext& /*context*/) {
    return absl::UnimplementedError("Split without HandlePart");
  }
  virtual absl::StatusOr<Response> Merge(const Request& /*request*/, const PartResults& /*parts*/,
                                         HandlerContext& /*context*/) {
    return absl::UnimplementedError("Split without Merge");
  }
};

}  // namespace windlass

#endif  // WINDLASS_HANDLER_H_
