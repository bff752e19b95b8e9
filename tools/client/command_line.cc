#include "tools/client/command_line.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/nearest_name.h"
#include "common/units.h"

namespace windlass {
namespace {

absl::StatusOr<OptionSpec> FindSpec(absl::string_view name, absl::Span<const OptionSpec> specs) {
  std::vector<std::string> names;
  for (const OptionSpec& spec : specs) {
    if (spec.name == name) return spec;
    names.emplace_back(spec.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown option --", name, DidYouMean(name, names)));
}

}  // namespace

absl::StatusOr<CommandLine> CommandLine::Split(absl::Span<const std::string> args,
                                               absl::Span<const OptionSpec> specs) {
  CommandLine line;
  for (size_t i = 0; i < args.size(); ++i) {
    absl::string_view arg = args[i] == "-h" ? "--help" : absl::string_view(args[i]);
    if (arg == "--") {
      line.positionals_.insert(line.positionals_.end(), args.begin() + i + 1, args.end());
      break;
    }
    if (!absl::StartsWith(arg, "-") || arg == "-") {
      line.positionals_.emplace_back(arg);
      continue;
    }
    if (!absl::StartsWith(arg, "--")) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown option ", arg, " (write -- before text that starts with a dash)"));
    }
    const size_t equals = arg.find('=');
    const bool has_value = equals != absl::string_view::npos;
    const absl::string_view name = arg.substr(2, has_value ? equals - 2 : arg.npos);
    const absl::StatusOr<OptionSpec> spec = FindSpec(name, specs);
    if (!spec.ok()) return spec.status();
    std::vector<std::string>& values = line.options_[std::string(name)];
    if (!values.empty() && !spec->repeatable) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " is given twice"));
    }
    if (!spec->takes_value) {
      if (has_value) return absl::InvalidArgumentError(absl::StrCat("--", name, " takes no value"));
      values.emplace_back();
    } else if (has_value) {
      values.emplace_back(arg.substr(equals + 1));
    } else if (i + 1 < args.size()) {
      values.push_back(args[++i]);
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value"));
    }
  }
  return line;
}

bool CommandLine::Has(absl::string_view name) const {
  return options_.count(std::string(name)) != 0;
}

std::string CommandLine::Value(absl::string_view name) const {
  const auto found = options_.find(std::string(name));
  return found == options_.end() ? "" : found->second.back();
}

std::vector<std::string> CommandLine::Values(absl::string_view name) const {
  const auto found = options_.find(std::string(name));
  return found == options_.end() ? std::vector<std::string>{} : found->second;
}

std::vector<std::string> CommandLine::Given() const {
  std::vector<std::string> names;
  for (const auto& [name, values] : options_) names.push_back(name);
  return names;
}

absl::StatusOr<uint64_t> ParseCount(absl::string_view what, absl::string_view text, uint64_t least,
                                    uint64_t most) {
  uint64_t number = 0;
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (!digits || !absl::SimpleAtoi(text, &number) || number < least || number > most) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": '", text, "' is not a whole number from ", least, " to ", most));
  }
  return number;
}

absl::StatusOr<absl::Duration> ParseTimeout(absl::string_view what, absl::string_view text) {
  const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
  if (!duration.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": ", duration.status().message()));
  }
  return *duration == absl::ZeroDuration() ? absl::InfiniteDuration() : *duration;
}

}  // namespace windlass
