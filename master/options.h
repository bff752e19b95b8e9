#ifndef WINDLASS_MASTER_OPTIONS_H_
#define WINDLASS_MASTER_OPTIONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/config_load.h"

// windlassd's command line.

namespace windlass {

struct Options {
  ConfigSources sources;
  bool check = false;         // say whether the configuration is valid, and exit
  bool print_config = false;  // print the effective configuration, and exit
  bool hint = false;          // once serving, print one line to try next
  // Internal, of a binary upgrade (master/upgrader.h): the descriptor of the state; -1: none.
  int check_upgrade = -1;   // say whether this binary can take over, and exit
  int resume_upgrade = -1;  // take over
  bool version = false;
  bool help = false;
};

// Errors: InvalidArgument is a usage error (exit code 2): an unknown flag, a positional argument, a
// value that is missing or not expected. Values themselves are checked by LoadConfig. A flag with a
// value is --flag=value or
// --flag value; the last one of a flag that is not repeatable wins. Blocking: never.
absl::StatusOr<Options> ParseOptions(int argc, const char* const* argv);

// What --help prints.
std::string HelpText();

}  // namespace windlass

#endif  // WINDLASS_MASTER_OPTIONS_H_
