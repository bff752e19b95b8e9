#ifndef WINDLASS_WORKER_FRAMING_HTTP_FRAMING_H_
#define WINDLASS_WORKER_FRAMING_HTTP_FRAMING_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "worker/framing/framing.h"
#include "worker/framing/http_answer.h"
#include "worker/framing/http_head.h"
#include "worker/framing/http_routes.h"
#include "worker/framing/http_target.h"

namespace windlass {

// `http`: HTTP/1.1 (RFC 9110, RFC 9112), the server's side. The path says which handler runs
// (http_routes.h); a POST gives it the content, a GET the query as a JSON object. The header object
// that a handler sees has the names in lower case, without those that only concern the connection,
// and before them `:method`, `:path` and, if there is one, `:query`, which no client's field can be
// called. Strict (http_head.h): what two readers could understand differently is refused with 400,
// and the connection closes.
class HttpFraming : public Framing {
 public:
  struct Limits {
    uint64_t max_header_bytes;
    uint64_t max_content_bytes;
  };
  HttpFraming(const Limits& limits, HttpRoutes routes);

  CutOutcome CutHead(absl::string_view input, CutState* state, RequestHead* head,
                     FrameError* error) override;
  void AppendResponseHead(const ResponseHead& head, std::string* out) override;
  bool AppendError(const ResponseHead& head, absl::string_view message, std::string* out) override;
  bool TimeoutError(FrameError* error) override;
  std::unique_ptr<ContentDecoder> MakeContentDecoder() override;
  void AppendContinue(std::string* out) override;
  // Heads of answers that are none of a handler's.
  HttpAnswerWriter& writer() { return writer_; }

 private:
  std::optional<HttpTarget> ReadTarget(RequestHead* head);
  CutOutcome Interpret(const std::optional<HttpTarget>& target, RequestHead* head,
                       FrameError* error);
  CutOutcome Refuse(int status, std::string why, FrameError* error) const;
  CutOutcome MakeContent(absl::string_view query, RequestHead* head, FrameError* error);
  bool TakeExtras(RequestHead* head, FrameError* error) const;
  void WriteHeaderObject(absl::string_view query);

  const Limits limits_;
  const HttpRoutes routes_;
  // Scratch reused between calls.
  HttpHead http_;
  HttpAnswerWriter writer_;
  std::string path_, header_object_, made_content_, value_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_HTTP_FRAMING_H_
