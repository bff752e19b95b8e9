#ifndef WINDLASS_WORKER_ADMIN_PAGE_SINK_H_
#define WINDLASS_WORKER_ADMIN_PAGE_SINK_H_

#include "absl/strings/string_view.h"
#include "worker/io/page_source.h"

namespace windlass {

// Where the answers of pages go: to connections, as Connection's methods of the same names say, or
// to a test.
class PageSink {
 public:
  virtual void Answer(Exchange* exchange, const PageAnswer& answer) = 0;
  virtual void BeginStream(Exchange* exchange, absl::string_view content_type,
                           absl::string_view extra_headers) = 0;
  // False: the client has not taken too much of what came before, and misses this.
  virtual bool StreamChunk(Exchange* exchange, absl::string_view bytes) = 0;
  virtual void EndStream(Exchange* exchange) = 0;

 protected:
  virtual ~PageSink() = default;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_PAGE_SINK_H_
