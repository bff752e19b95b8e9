#ifndef WINDLASS_TOOLS_EXAMPLES_FAULT_ARGUMENTS_H_
#define WINDLASS_TOOLS_EXAMPLES_FAULT_ARGUMENTS_H_

#include <simdjson.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace windlass::fault {

// Role: the keys of one request's JSON object. Errors: the first value of a wrong type or out of
// range stays in status(); what a call then returns is `otherwise`. Look at status() before acting
// on any of them. Valid while the parser's document is. Blocking: never.
class Arguments {
 public:
  explicit Arguments(simdjson::dom::object object) : object_(object) {}

  // From 0 to `max`.
  uint64_t Integer(absl::string_view key, uint64_t otherwise, uint64_t max);
  bool Boolean(absl::string_view key, bool otherwise);
  absl::string_view String(absl::string_view key, absl::string_view otherwise);
  // Not there is an error, too.
  std::string RequiredString(absl::string_view key);
  // The value as JSON text; "null" when it is not there.
  std::string Json(absl::string_view key) const;

  const absl::Status& status() const { return status_; }  // InvalidArgument

 private:
  void Refuse(absl::string_view key, absl::string_view must_be);

  simdjson::dom::object object_;
  absl::Status status_;
};

}  // namespace windlass::fault

#endif  // WINDLASS_TOOLS_EXAMPLES_FAULT_ARGUMENTS_H_
