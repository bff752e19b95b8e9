#include "master/options.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/nearest_name.h"

namespace windlass {
namespace {

struct Flag {
  std::string name;
  std::string value;  // what --help calls its value; "" = it takes none
  std::string help;   // "" = not for people
  void (*apply)(const std::string& value, Options* options);
};

// Not Abseil's flags: those bring --fromenv, --flagfile and their own exit codes along.
const std::vector<Flag>& Flags() {
  static const auto& flags = *new std::vector<Flag>{
      {"config", "FILE", "read the configuration from FILE (TOML)",
       [](const std::string& value, Options* options) { options->sources.file = value; }},
      {"set", "TABLE.KEY=VALUE", "set one key, over the file (repeatable)",
       [](const std::string& value, Options* options) { options->sources.sets.push_back(value); }},
      {"listen", "PROTOCOL://ADDRESS", "listen here instead of where the file says (repeatable)",
       [](const std::string& value, Options* options) {
         options->sources.listens.push_back(value);
       }},
      {"workers", "N|auto", "number of workers",
       [](const std::string& value, Options* options) { options->sources.workers = value; }},
      {"pool", "N|auto", "number of pool processes",
       [](const std::string& value, Options* options) { options->sources.pool = value; }},
      {"check", "", "check the configuration and exit",
       [](const std::string&, Options* options) { options->check = true; }},
      {"print-config", "", "print the effective configuration, which is valid input, and exit",
       [](const std::string&, Options* options) { options->print_config = true; }},
      {"hint", "", "once serving, print one line to try next",
       [](const std::string&, Options* options) { options->hint = true; }},
      {"check-upgrade", "FD", "",
       [](const std::string& value, Options* options) {
         if (!absl::SimpleAtoi(value, &options->check_upgrade)) options->check_upgrade = -1;
       }},
      {"resume-upgrade", "FD", "",
       [](const std::string& value, Options* options) {
         if (!absl::SimpleAtoi(value, &options->resume_upgrade)) options->resume_upgrade = -1;
       }},
      {"version", "", "print the version and exit",
       [](const std::string&, Options* options) { options->version = true; }},
      {"help", "", "print this and exit",
       [](const std::string&, Options* options) { options->help = true; }},
  };
  return flags;
}

const Flag* FindFlag(absl::string_view name) {
  const auto found = std::find_if(Flags().begin(), Flags().end(),
                                  [name](const Flag& flag) { return flag.name == name; });
  return found == Flags().end() ? nullptr : &*found;
}

absl::Status UnknownFlag(absl::string_view name) {
  std::vector<std::string> names;
  for (const Flag& flag : Flags()) {
    if (!flag.help.empty()) names.push_back(flag.name);
  }
  const std::string nearest = NearestName(name, names);
  return absl::InvalidArgumentError(
      absl::StrCat("unknown flag '--", name, "'",
                   nearest.empty() ? "" : absl::StrCat(", did you mean '--", nearest, "'?")));
}

}  // namespace

absl::StatusOr<Options> ParseOptions(int argc, const char* const* argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    absl::string_view name = argument;
    if (!absl::ConsumePrefix(&name, "--") || name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("unexpected argument '", argument, "'"));
    }
    std::optional<std::string> value;
    const size_t equals = name.find('=');
    if (equals != absl::string_view::npos) value = std::string(name.substr(equals + 1));
    name = name.substr(0, equals);

    const Flag* flag = FindFlag(name);
    if (flag == nullptr) return UnknownFlag(name);
    if (flag->value.empty() && value.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " takes no value"));
    }
    if (!flag->value.empty() && !value.has_value() && i + 1 < argc) value = argv[++i];
    // An empty one is most likely an unset shell variable.
    if (!flag->value.empty() && value.value_or("").empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " needs a value: --", name, "=", flag->value));
    }
    flag->apply(value.value_or(""), &options);
  }
  return options;
}

std::string HelpText() {
  std::string text =
      "Usage: windlassd [--config=FILE] [--set TABLE.KEY=VALUE]... [--listen "
      "PROTOCOL://ADDRESS]... [FLAG]...\n"
      "Serves payload work from a pool of processes. Without a file it speaks message on "
      "127.0.0.1:65432.\n\n";
  for (const Flag& flag : Flags()) {
    if (flag.help.empty()) continue;
    const std::string left =
        absl::StrCat("--", flag.name, flag.value.empty() ? "" : "=", flag.value);
    absl::StrAppendFormat(&text, "  %-30s %s\n", left, flag.help);
  }
  absl::StrAppend(&text,
                  "\nExit codes: 0 stopped as asked, 1 failed at run time, 2 wrong usage, 78 wrong "
                  "configuration.\n"
                  "Every key and its range: windlassd --print-config\n");
  return text;
}

}  // namespace windlass
