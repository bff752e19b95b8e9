#ifndef WINDLASS_WORKER_FRAMING_MESSAGE_HEADER_H_
#define WINDLASS_WORKER_FRAMING_MESSAGE_HEADER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "worker/framing/framing.h"

namespace windlass {

// The header of a `message` frame: 2 bytes of length in network order, then a JSON object of that
// many bytes. The keys of requests and of answers together, because both sides read with the same
// parser.
struct MessageHeader {
  bool big_endian = false;
  uint64_t content_length = 0;
  absl::string_view content_type, content_encoding;
  absl::string_view status;      // answers; "" = ok
  absl::string_view request_id;  // "" with has_request_id false when absent
  bool has_request_id = false;
  absl::string_view handler;  // requests
  uint32_t deadline_ms = 0;   // requests; 0 = absent
  bool close = false;         // connection: "close"
  bool has_other_keys = false;
};

// Role: parses message headers strictly (RFC 8259, whole header), by simdjson. Reusable; its
// buffers grow to the largest header seen. Numbers beyond 64 bits or the range of a double are
// refused, as simdjson does. Blocking: never.
class MessageHeaderParser {
 public:
  // `status` has a meaning in answers only; in a request it is one of the client's own keys.
  enum class Of : uint8_t { kRequests, kAnswers };
  explicit MessageHeaderParser(Of of);
  ~MessageHeaderParser();

  // REQUIRES: kInputPadding readable bytes behind json. kRequest, kRefused (the content's length is
  // known: see header->content_length) or kLost. Views are valid until the next call and while
  // `json` is.
  CutOutcome Parse(absl::string_view json, MessageHeader* header, FrameError* error);

 private:
  struct Impl;
  const Of of_;
  std::unique_ptr<Impl> impl_;
};

// Appends the two length bytes and the header object. Keys of `header` that are at their defaults
// are left out. `extra` is appended before the closing brace as it is (`, "key": value`). False,
// and nothing appended: the object would be longer than the 65,535 bytes that the length can say.
bool AppendMessageHeader(const MessageHeader& header, absl::string_view extra, std::string* out);

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_MESSAGE_HEADER_H_
