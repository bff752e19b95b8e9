#ifndef WINDLASS_COMMON_CONFIG_LOAD_H_
#define WINDLASS_COMMON_CONFIG_LOAD_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/config.h"

namespace windlass {

// What an operator asked for: a file, and the command line on top of it. Kept for reloads, which
// read the file again.
struct ConfigSources {
  std::string file;               // "" = the built-in default
  std::vector<std::string> sets;  // --set: "workers.selector=poll"; a bare word counts as a string
  std::vector<std::string>
      listens;  // --listen: "message://127.0.0.1:7000"; replace the file's listeners altogether
  std::optional<std::string> workers;  // --workers: workers.count, stronger than `sets`
  std::optional<std::string> pool;     // --pool: pool.processes, stronger than `sets`
};

// The effective, checked configuration. Errors: InvalidArgument lists everything that is wrong, one
// line each: "FILE:LINE:COLUMN: message" or "--set workers.count=x: message" (after a TOML syntax
// error nothing else of the file is known). A file that cannot be read is "FILE: No such file or
// directory" with the code of that error. Blocking: reads the file; resolves no names.
absl::StatusOr<Config> LoadConfig(const ConfigSources& sources);

// The TOML text that stands in for a file when there is none.
absl::string_view BuiltinConfigText();

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_LOAD_H_
