#ifndef WINDLASS_WORKER_HANDLERS_STATIC_HANDLER_H_
#define WINDLASS_WORKER_HANDLERS_STATIC_HANDLER_H_

#include <string>

#include "windlass/handler.h"

namespace windlass {

// Built-in `static`: one fixed text or file, whatever is asked. Workers answer with it themselves,
// without a job (worker/io/static_answers.h); pool processes where only they find out that it is
// meant. The file is read once: a reload brings a changed one.
class StaticHandler : public Handler {
 public:
  static constexpr size_t kMaxFileBytes = 16 << 20;  // a copy is in each worker's memory

  absl::Status Preload(HandlerOptions& options, SharedArena& arena) override;
  absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) override;

  const std::string& content() const { return content_; }
  const std::string& content_type() const { return content_type_; }
  const std::string& content_encoding() const { return content_encoding_; }

 private:
  std::string content_, content_type_, content_encoding_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_STATIC_HANDLER_H_
