#ifndef WINDLASS_WORKER_IO_PAGE_SOURCE_H_
#define WINDLASS_WORKER_IO_PAGE_SOURCE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace windlass {

constexpr absl::string_view kPageMethods = "GET, HEAD, OPTIONS";

struct Exchange;

// A request for a page. Views are valid during the call.
struct PageRequest {
  absl::string_view method;  // "GET"; HEAD is given as GET, its answer's content is left out
  absl::string_view path;    // decoded, without the query
  absl::string_view query;   // as it came; "" = none
  absl::string_view host;    // of the header; "" = none
  absl::string_view accept;  // the same
  bool is_head = false;      // there must be no stream
};

struct PageAnswer {
  int http_status = 200;
  absl::string_view content_type;  // "text/html; charset=utf-8"
  std::string content;
  absl::string_view extra_headers;  // lines that end with CRLF
};

// Role: answers requests of an http listener in the process itself, instead of a handler: the admin
// endpoint. Each request is answered once, then or later: by Connection::AnswerPage, or by a stream
// (BeginStream, any number of StreamChunk, EndStream). `exchange->connection` is whose methods
// these are.
class PageSource {
 public:
  virtual ~PageSource() = default;
  virtual void OnPage(const PageRequest& request, Exchange* exchange) = 0;
  // The process is to end: answers and streams must, too.
  virtual void OnDrain() = 0;
  // The client went before the answer, or its stream, was complete: `exchange` means nothing any
  // more.
  virtual void OnPageGone(Exchange* exchange) = 0;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_PAGE_SOURCE_H_
