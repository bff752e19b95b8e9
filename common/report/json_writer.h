#ifndef WINDLASS_COMMON_REPORT_JSON_WRITER_H_
#define WINDLASS_COMMON_REPORT_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace windlass {

// Role: writes one JSON object, with the commas where they belong. Every value has a key, but those
// in a list, where the key is not written. Texts may hold any bytes (printable_text.h). Pure.
class JsonWriter {
 public:
  JsonWriter() { Open("", '{', '}'); }

  void OpenObject(absl::string_view key) { Open(key, '{', '}'); }
  void OpenList(absl::string_view key) { Open(key, '[', ']'); }
  void Close();

  void Text(absl::string_view key, absl::string_view bytes);
  void Unsigned(absl::string_view key, uint64_t number);
  void Signed(absl::string_view key, int64_t number);
  // Milliseconds as seconds, exactly: 1500 is 1.500.
  void Seconds(absl::string_view key, int64_t ms);
  // As a string, because ids exceed 2^53, which is as far as many JSON readers count; 0 is null.
  void Id(absl::string_view key, uint64_t id);
  void Flag(absl::string_view key, bool value);
  void Null(absl::string_view key);

  // The object, complete, and a newline. The writer is done with that.
  std::string Take() &&;

 private:
  void Open(absl::string_view key, char opening, char closing);
  void Begin(absl::string_view key);  // comma and key, as they are due

  std::string out_;
  std::string closers_;  // of what is open, the innermost last
  bool first_ = true;    // in the innermost
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_REPORT_JSON_WRITER_H_
