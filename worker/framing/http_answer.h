#ifndef WINDLASS_WORKER_FRAMING_HTTP_ANSWER_H_
#define WINDLASS_WORKER_FRAMING_HTTP_ANSWER_H_

#include <ctime>
#include <string>

#include "absl/strings/string_view.h"
#include "worker/framing/framing.h"

namespace windlass {

// What ResponseHead::answer_form carries from a request to its answer.
enum HttpAnswerForm : uint8_t {
  kHttp10 = 1,              // the client speaks HTTP/1.0
  kHttpIdIsTraceParent = 2  // the request id came as traceparent, and goes back as that
};

int HttpStatusOf(ErrorCode code);
absl::string_view HttpReasonOf(int status);  // "Not Found"

// Role: writes the heads of HTTP/1.1 answers. One for a listener; it remembers the date that it has
// put into words. Blocking: never.
class HttpAnswerWriter {
 public:
  // Of all paths that there are; static.
  void set_methods(absl::string_view methods) { methods_ = methods; }
  absl::string_view methods() const { return methods_; }

  // `extra` are whole header lines. `content_bytes` of an answer that is not sent (HEAD) all the
  // same. 204 has no content, and says no length.
  void AppendHead(const ResponseHead& head, absl::string_view extra, std::string* out);
  // A stream that ends when the server says so: in chunks, or for HTTP/1.0 until it closes.
  void AppendStreamHead(const ResponseHead& head, absl::string_view extra, std::string* out);
  // A whole error answer, as RFC 9457 has them. 405 and 204 say which methods there are.
  void AppendProblem(const ResponseHead& head, absl::string_view message, std::string* out);

 private:
  void AppendStart(const ResponseHead& head, std::string* out);
  void AppendEnd(const ResponseHead& head, absl::string_view extra, std::string* out);
  void UpdateDate();

  absl::string_view methods_ = "GET, HEAD, OPTIONS, POST";
  time_t date_of_ = 0;
  std::string date_;     // "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
  std::string problem_;  // scratch
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_HTTP_ANSWER_H_
