#ifndef WINDLASS_WORKER_FRAMING_HTTP_HEAD_H_
#define WINDLASS_WORKER_FRAMING_HTTP_HEAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace windlass {

enum class HttpMethod : uint8_t { kGet, kHead, kPost, kOptions, kOther };

// One header field. Views into the input.
struct HttpField {
  absl::string_view name;  // as it came
  absl::string_view value;
};

// The head of an HTTP/1 request (RFC 9112), as far as somebody asks for it. Views into the input.
struct HttpHead {
  HttpMethod method = HttpMethod::kOther;
  absl::string_view method_name;
  absl::string_view target;
  bool is_http_1_0 = false;
  bool keep_alive = true;  // what the version and the Connection fields ask for
  bool has_content_length = false;
  bool is_chunked = false;
  bool expects_continue = false;
  uint64_t content_length = 0;
  absl::string_view host, content_type, accept;
  absl::string_view deadline_ms, request_id, trace_parent;
  bool has_content_type = false, has_deadline = false, has_request_id = false;
  bool has_trace_parent = false;
  // All but those that only concern this connection (RFC 9110 section 7.6.1) or the message's
  // length, in order.
  std::vector<HttpField> fields;
};

// Why a request is refused: an HTTP status, and a sentence.
struct HttpRefusal {
  int status = 0;  // 0: it is not
  std::string why;
};

// What is known of the beginning of a stream.
struct HttpHeadEnd {
  enum class Outcome : uint8_t { kNeedMore, kEnd, kBad } outcome = Outcome::kNeedMore;
  size_t bytes = 0;  // kEnd: of the head, with the empty line; kNeedMore: of its whole lines so far
};

// Looks for the empty line that ends a head; the first `known` bytes are whole lines. kBad: a line
// that does not end with CRLF, or one that goes on in the next (obs-fold, RFC 9112 section 5.2), so
// that nothing behind it can be trusted. Pure.
HttpHeadEnd FindHttpHeadEnd(absl::string_view input, size_t known);

// Parses a whole head, with the empty line, by Boost.Beast's parser, and refuses what RFC 9112 has
// refused where two readers might see different messages (section 11.2): more than one
// Content-Length, or one beside Transfer-Encoding, or one that is not digits alone; a transfer
// coding other than chunked, or in HTTP/1.0; no Host, or several, or an impossible one. Blocking:
// never. REQUIRES: FindHttpHeadEnd says kEnd of it.
HttpRefusal ParseHttpHead(absl::string_view bytes, HttpHead* head);

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_HTTP_HEAD_H_
