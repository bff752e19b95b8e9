#ifndef WINDLASS_TOOLS_CLIENT_CLIENT_OPTIONS_H_
#define WINDLASS_TOOLS_CLIENT_CLIENT_OPTIONS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/config.h"

namespace windlass {

enum class ClientCommand : uint8_t {
  kHelp,
  kVersion,
  kEcho,
  kMulti,
  kSearch,
  kBinary,
  kLine,
  kLength,
  kSend,
  kImage,
  kInfer,
  kRun,
};

// What a request of the message protocol says about itself beside its length.
struct MessageOptions {
  std::string content_type = "binary/custom-client-binary-type";
  std::string content_encoding = "binary";
  std::string handler;  // "" = the server routes
  std::optional<std::string> request_id;
  uint32_t deadline_ms = 0;                                    // 0 = none
  std::vector<std::pair<std::string, std::string>> more_keys;  // --header; values are strings
};

// Which handler `run` runs, and how. One of library and builtin is set.
struct RunOptions {
  std::string library, builtin;
  std::string handler;  // which one of the library; "" = the only one
  std::map<std::string, OptionValue> options;
  absl::Duration deadline = absl::InfiniteDuration();
  int processes = 1;  // that the handler is told it has
};

// What `windlass` was asked to do. Only the members that belong to `command` mean something.
struct ClientOptions {
  ClientCommand command = ClientCommand::kHelp;
  bool json = false;
  bool show_wire = false;
  absl::Duration timeout = absl::Seconds(10);  // of the whole operation; of one answer for `line`
  std::string address;                         // its form has been checked

  std::string text;                   // echo TEXT, search VALUE, binary VALUE
  uint32_t connections = 0;           // multi
  std::vector<std::string> messages;  // multi
  std::string file;                   // length, send, image, infer, run; "-" = standard input
  std::string out_file;               // image; "-" is standard output
  bool half_close = true;             // line, length: say that no more will be sent
  MessageOptions message;             // search, binary, send, image, infer; for run: types, header
  RunOptions run;                     // run
};

// Pure. `args` without the program's name. InvalidArgument: wrong usage, and says how.
absl::StatusOr<ClientOptions> ParseClientOptions(absl::Span<const std::string> args);

absl::string_view ClientUsage();

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_CLIENT_OPTIONS_H_
