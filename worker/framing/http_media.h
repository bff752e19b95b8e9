#ifndef WINDLASS_WORKER_FRAMING_HTTP_MEDIA_H_
#define WINDLASS_WORKER_FRAMING_HTTP_MEDIA_H_

#include <string>

#include "absl/strings/string_view.h"

namespace windlass {

// How a handler's content type and encoding stand in HTTP, and the other way round: charset is a
// parameter there, and JSON is application/json (RFC 8259 section 11), which is text/json here.

struct MediaType {
  absl::string_view type;     // without parameters; "" = none was said
  absl::string_view charset;  // "utf-8" where text says none, "binary" for everything else
};

// Of a Content-Type field. Other parameters are dropped. Views into `field` or static.
MediaType ReadMediaType(absl::string_view field);

// Appends the value of a Content-Type field. What would break the head is replaced by
// application/octet-stream: it comes from a handler.
void AppendMediaType(absl::string_view type, absl::string_view encoding, std::string* out);

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_HTTP_MEDIA_H_
