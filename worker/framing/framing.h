#ifndef WINDLASS_WORKER_FRAMING_FRAMING_H_
#define WINDLASS_WORKER_FRAMING_FRAMING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "common/config.h"
#include "windlass/error_code.h"

namespace windlass {

// Bytes that must be readable (their values do not matter) behind every input given to a framing:
// the JSON parser reads ahead of its end. common/byte_buffer.h provides them.
constexpr size_t kInputPadding = 64;

// What a framing learned about one request before its content. The views point into the input or
// into the framing's scratch: they are valid until the next call on the framing or the next change
// of the input.
struct RequestHead {
  size_t head_bytes = 0;                             // bytes before the content
  uint64_t content_bytes = 0;                        // the content
  size_t tail_bytes = 0;                             // bytes after it (the newline of a line)
  absl::string_view content_type, content_encoding;  // "" where the protocol has none
  absl::string_view handler;                         // named by the request; "" = not named
  absl::string_view request_id;                      // to be echoed
  bool has_request_id = false;
  absl::string_view header;  // the whole header object, only when it has keys beyond the ones above
  bool big_endian = false;
  uint32_t deadline_ms = 0;  // 0 = none asked for
  bool close_after = false;  // the client wants the connection closed after this answer

  // Only in http.
  bool is_coded = false;          // the content's length is not known: MakeContentDecoder
  bool expects_continue = false;  // the client waits for AppendContinue before it sends content
  bool omit_content = false;      // the answer's content is not sent, but its length is said
  bool content_is_made = false;   // `content` stands for what follows the head
  uint8_t answer_form = 0;        // to be handed back in ResponseHead
  absl::string_view content;      // made from the head; kInputPadding readable bytes follow
  absl::string_view path, query;  // decoded; as it came
  absl::string_view method, host, accept;

  uint64_t frame_bytes() const { return head_bytes + content_bytes + tail_bytes; }
};

struct FrameError {
  ErrorCode code = ErrorCode::kOk;
  std::string message;
  uint16_t http_status = 0;  // where `code` does not say it all; 0: it does
};

enum class CutOutcome : uint8_t {
  kNeedMore,  // the head is not complete; CutState.need says how much input makes another try
              // worthwhile
  kRequest,   // the head is complete; the content may not have arrived yet
  kRefused,   // a frame whose end is known and that the framing answers itself, as a rule because
              // it is bad: answer the error, skip frame_bytes(), go on
  kLost,      // bad frame whose end is not known: answer the error, close the connection
};

// What a framing remembers between two looks at the same incomplete frame. Reset when the frame is
// consumed.
struct CutState {
  uint32_t scanned = 0;    // input bytes known to hold no delimiter
  uint32_t need = 0;       // total input bytes below which another call can only say kNeedMore
  bool continued = false;  // the client was told to go on
};

// What an answer says before its content.
struct ResponseHead {
  ErrorCode status = ErrorCode::kOk;
  absl::string_view content_type, content_encoding;
  uint64_t content_bytes = 0;
  absl::string_view request_id;
  bool has_request_id = false;
  bool close = false;  // the server is about to close the connection
  // Only in http.
  uint16_t http_status = 0;   // 0: by `status`
  uint8_t answer_form = 0;    // of the request
  uint32_t retry_ms = 0;      // when to try again; 0 = nothing is said
  bool omit_content = false;  // of an error: only its length is said
};

// What a client is told whose content is larger than its listener takes.
std::string TooLargeContent(uint64_t max_content_bytes);

// Takes decoded content; returns how much of it. Less than all: no more now.
using DecodedSink = absl::FunctionRef<size_t(absl::string_view)>;

// Role: takes one content out of its coding, as it arrives. Blocking: never.
class ContentDecoder {
 public:
  enum class Outcome : uint8_t {
    kGoing,     // give what was not used again, with more behind it
    kComplete,  // the frame is at its end, behind `used`
    kBad,       // its end will never be known
    kTooLarge,  // as it says itself, it will be over the limit
  };
  struct Result {
    Outcome outcome = Outcome::kGoing;
    size_t used = 0;  // bytes of `coded` that are done with
  };
  virtual ~ContentDecoder() = default;
  virtual Result Decode(absl::string_view coded, DecodedSink sink) = 0;
  virtual uint64_t decoded() const = 0;  // bytes that the sink has taken
  // For another decoder that goes on here: appends what, with the decoded bytes behind it and then
  // all that was not used, is the same content.
  virtual void AppendPrefix(std::string* coded) const = 0;
};

// Role: turns a byte stream into requests and answers back into bytes, for one listener. Worker
// processes (and clients, fuzzers, tests). Holds no socket and nothing of a connection: what must
// be remembered is in the caller's CutState. Invariant: the same bytes give the same frames,
// however they are cut into pieces. Blocking: never. Errors: the peer's fault is an outcome;
// nothing a peer sends ends the process.
class Framing {
 public:
  virtual ~Framing() = default;

  // Looks at the start of `input`, which begins at a frame's first byte. REQUIRES: kInputPadding
  // readable bytes behind input. `head` is set for kRequest and kRefused (for kLost only its
  // request id and its handler, as far as they are known), `error` for kRefused and kLost.
  virtual CutOutcome CutHead(absl::string_view input, CutState* state, RequestHead* head,
                             FrameError* error) = 0;
  // Appends what goes before the content.
  virtual void AppendResponseHead(const ResponseHead& head, std::string* out) = 0;
  // Appends a whole error answer. False: this protocol has no room for one; close the connection
  // without an answer.
  virtual bool AppendError(const ResponseHead& head, absl::string_view message,
                           std::string* out) = 0;
  // What a client is told whose frame does not arrive in time; false: nothing.
  virtual bool TimeoutError(FrameError* /*error*/) { return false; }
  // For a head that is_coded.
  virtual std::unique_ptr<ContentDecoder> MakeContentDecoder() { return nullptr; }
  // For a head that expects_continue.
  virtual void AppendContinue(std::string* /*out*/) {}
  // What goes after the content.
  virtual absl::string_view ResponseTail() const { return {}; }
  // A stream without frames (echo): the input goes back as it is and CutHead is never called.
  virtual bool IsRaw() const { return false; }
};

std::unique_ptr<Framing> MakeFraming(const ListenerConfig& listener);

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_FRAMING_H_
