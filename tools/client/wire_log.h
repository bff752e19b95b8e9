#ifndef WINDLASS_TOOLS_CLIENT_WIRE_LOG_H_
#define WINDLASS_TOOLS_CLIENT_WIRE_LOG_H_

#include <string>

#include "absl/strings/string_view.h"

namespace windlass {

// One or more lines, each starting with `prefix`: `bytes` as printable ASCII with \n, \r, \t,
// \\ and \xHH, broken after a newline and near 100 columns. "" for no bytes. Pure.
std::string ReadableBytes(absl::string_view prefix, absl::string_view bytes);

// Role: --show-wire. Prints what crosses one connection to standard error, ">" out and "<" in; does
// nothing when it is off. Blocking: as long as standard error takes.
class WireLog {
 public:
  // `label` tells connections apart ("#3 "); may be empty.
  explicit WireLog(bool on, absl::string_view label = "");
  void Sent(absl::string_view bytes) const { Print(sent_prefix_, bytes); }
  void Received(absl::string_view bytes) const { Print(received_prefix_, bytes); }

 private:
  void Print(const std::string& prefix, absl::string_view bytes) const;

  const bool on_;
  const std::string sent_prefix_, received_prefix_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_WIRE_LOG_H_
