#ifndef WINDLASS_WORKER_HANDLERS_JSON_CONTENT_H_
#define WINDLASS_WORKER_HANDLERS_JSON_CONTENT_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace windlass {

// Role: one JSON object from a request's content: strict RFC 8259, parsed by simdjson into buffers
// that are reused. Worker (looking for "action" in small content) and pool processes. Blocking:
// never.
class JsonContent {
 public:
  JsonContent();
  ~JsonContent();

  // `content` in `charset`. REQUIRES: 64 readable bytes behind content. InvalidArgument: no JSON
  // object, unknown charset.
  absl::Status Parse(absl::string_view content, absl::string_view charset, bool big_endian);

  // Of the last object parsed. Views are valid until the next Parse. A key that stands twice: the
  // first counts.
  bool Has(absl::string_view key) const;
  std::optional<absl::string_view> String(
      absl::string_view key) const;  // nullopt: absent or another type
  std::optional<int64_t> Integer(absl::string_view key) const;
  // The value as a person would write it: a string as it is, anything else as JSON text, "None"
  // when absent.
  std::string Text(absl::string_view key) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_JSON_CONTENT_H_
