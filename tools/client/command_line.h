#ifndef WINDLASS_TOOLS_CLIENT_COMMAND_LINE_H_
#define WINDLASS_TOOLS_CLIENT_COMMAND_LINE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace windlass {

// An option that a program knows. absl/flags is not used: our programs have subcommands with
// options of their own, repeatable options, and promise exit code 2 for a wrong command line.
struct OptionSpec {
  absl::string_view name;  // without the dashes
  bool takes_value = false;
  bool repeatable = false;
};

// Role: a command line cut into options and the rest. Options may stand anywhere; "--" ends them;
// "-" is no option;
// "-h" is --help. Blocking: never. Errors: InvalidArgument names the option, and the one that was
// perhaps meant.
class CommandLine {
 public:
  static absl::StatusOr<CommandLine> Split(absl::Span<const std::string> args,
                                           absl::Span<const OptionSpec> specs);

  const std::vector<std::string>& positionals() const { return positionals_; }
  bool Has(absl::string_view name) const;
  // The value of an option; "" when it was not given.
  std::string Value(absl::string_view name) const;
  std::vector<std::string> Values(absl::string_view name) const;
  // Names of the options that were given, sorted.
  std::vector<std::string> Given() const;

 private:
  std::vector<std::string> positionals_;
  std::map<std::string, std::vector<std::string>> options_;
};

// A whole number in [least, most]; `what` is named in the error ("--connections", "CONNECTIONS").
absl::StatusOr<uint64_t> ParseCount(absl::string_view what, absl::string_view text, uint64_t least,
                                    uint64_t most);
// --timeout and kin: common/units.h, and "0" means no limit (InfiniteDuration).
absl::StatusOr<absl::Duration> ParseTimeout(absl::string_view what, absl::string_view text);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_COMMAND_LINE_H_
