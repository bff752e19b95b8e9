#ifndef WINDLASS_COMMON_CONFIG_ERRORS_H_
#define WINDLASS_COMMON_CONFIG_ERRORS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/toml_reader.h"

namespace windlass {

// Where a piece of configuration was written.
struct Origin {
  std::string source;     // a file name, or "--set workers.count=4"
  TomlPosition position;  // none for the command line
};
std::string FormatOrigin(const Origin& origin);  // "FILE:LINE:COLUMN" or "--set workers.count=4"

// Where a table and its keys were written.
struct KeyOrigins {
  Origin table;
  std::map<std::string, Origin> keys;

  const Origin& At(const std::string& key) const {  // the table, when the key was not written
    const auto found = keys.find(key);
    return found == keys.end() ? table : found->second;
  }
};

// All that is wrong with a configuration, so that an operator needs one run to see it.
class ConfigErrors {
 public:
  void Add(const Origin& origin, absl::string_view message);
  // OK when nothing was added. InvalidArgument: one line per error; those of the file first, in its
  // order.
  absl::Status ToStatus() const;

 private:
  struct Error {
    TomlPosition position;
    std::string line;
  };
  std::vector<Error> errors_;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_ERRORS_H_
