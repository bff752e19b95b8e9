#include "tools/ctl/ctl_options.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/control_path.h"
#include "common/log.h"
#include "common/nearest_name.h"
#include "common/units.h"
#include "tools/client/command_line.h"

namespace windlass {
namespace {

using Arguments = absl::Span<const std::string>;

// Far more than any machine has room for; the server knows its real limit.
constexpr uint64_t kMostProcesses = 1'000'000;
constexpr absl::Duration kTableTimeout = absl::Seconds(5);
// Starting and draining processes: twice the server's own default limit for a start, four times
// that for a drain.
constexpr absl::Duration kChangeTimeout = absl::Seconds(120);

constexpr std::array<OptionSpec, 10> kOptions = {{{"control", true},
                                                  {"instance", true},
                                                  {"timeout", true},
                                                  {"color", true},
                                                  {"interval", true},
                                                  {"help"},
                                                  {"version"},
                                                  {"json"},
                                                  {"check"},
                                                  {"keep"}}};
constexpr std::array<absl::string_view, 6> kCommonOptions = {"control", "instance", "timeout",
                                                             "color",   "help",     "version"};
// Shorter would be work for the server, longer no live view.
constexpr absl::Duration kLeastInterval = absl::Milliseconds(100);
constexpr absl::Duration kMostInterval = absl::Hours(1);

absl::Status AskStatus(Arguments, const CommandLine&, proto::CtlRequest* request) {
  request->mutable_status();
  return absl::OkStatus();
}

absl::Status AskReload(Arguments, const CommandLine& line, proto::CtlRequest* request) {
  request->mutable_reload()->set_check_only(line.Has("check"));
  return absl::OkStatus();
}

// "4", "+1", "-1"
absl::Status TakeCount(absl::string_view name, absl::string_view text,
                       proto::CtlRequest::Count* count) {
  const bool less = absl::ConsumePrefix(&text, "-");
  const bool relative = less || absl::ConsumePrefix(&text, "+");
  const absl::StatusOr<uint64_t> number = ParseCount(name, text, relative ? 1 : 0, kMostProcesses);
  if (!number.ok()) return number.status();
  count->set_relative(relative);
  count->set_value(static_cast<int32_t>(*number) * (less ? -1 : 1));
  return absl::OkStatus();
}

bool HasPool(const proto::CtlRequest::Scale& scale, absl::string_view name) {
  return std::any_of(scale.named_pools().begin(), scale.named_pools().end(),
                     [name](const auto& pool) { return pool.name() == name; });
}

absl::Status TakeSize(const std::string& argument, proto::CtlRequest::Scale* scale) {
  const size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  absl::string_view pool = name;
  const bool is_named = absl::ConsumePrefix(&pool, "pool.") && !pool.empty();
  if (name != "workers" && name != "pool" && !is_named) {
    return absl::InvalidArgumentError(absl::StrCat("scale: '", name,
                                                   "' is neither workers nor pool nor pool.NAME",
                                                   DidYouMean(name, {"workers", "pool"})));
  }
  if (equals == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("scale: ", name, " needs a number, as in ", name, "=4, ", name, "=+1"));
  }
  const bool workers = name == "workers";
  const bool is_given = workers    ? scale->has_workers()
                        : is_named ? HasPool(*scale, pool)
                                   : scale->has_pool();
  if (is_given) {
    return absl::InvalidArgumentError(absl::StrCat("scale: ", name, " is given twice"));
  }
  proto::CtlRequest::Count* count = workers ? scale->mutable_workers() : nullptr;
  if (is_named) {
    proto::CtlRequest::PoolCount& named = *scale->add_named_pools();
    named.set_name(std::string(pool));
    count = named.mutable_count();
  } else if (!workers) {
    count = scale->mutable_pool();
  }
  return TakeCount(name, absl::string_view(argument).substr(equals + 1), count);
}

absl::Status AskScale(Arguments arguments, const CommandLine& line, proto::CtlRequest* request) {
  proto::CtlRequest::Scale* const scale = request->mutable_scale();
  scale->set_keep(line.Has("keep"));
  for (const std::string& argument : arguments) {
    if (absl::Status taken = TakeSize(argument, scale); !taken.ok()) return taken;
  }
  return absl::OkStatus();
}

absl::Status AskUpgrade(Arguments, const CommandLine&, proto::CtlRequest* request) {
  request->mutable_upgrade();
  return absl::OkStatus();
}

absl::Status AskDrain(Arguments, const CommandLine&, proto::CtlRequest* request) {
  request->mutable_drain();
  return absl::OkStatus();
}

absl::Status AskStop(Arguments, const CommandLine&, proto::CtlRequest* request) {
  request->mutable_stop();
  return absl::OkStatus();
}

absl::Status AskReopenLogs(Arguments, const CommandLine&, proto::CtlRequest* request) {
  request->mutable_reopen_logs();
  return absl::OkStatus();
}

absl::Status AskConnections(Arguments, const CommandLine&, proto::CtlRequest* request) {
  request->mutable_connections();
  return absl::OkStatus();
}

absl::Status AskJobs(Arguments, const CommandLine&, proto::CtlRequest* request) {
  request->mutable_jobs();
  return absl::OkStatus();
}

absl::Status AskKillJob(Arguments arguments, const CommandLine&, proto::CtlRequest* request) {
  const absl::StatusOr<uint64_t> id = ParseCount("kill-job", arguments[0], 1, UINT64_MAX);
  if (!id.ok()) return id.status();
  request->mutable_kill_job()->set_id(*id);
  return absl::OkStatus();
}

absl::Status AskDeaths(Arguments, const CommandLine&, proto::CtlRequest* request) {
  request->mutable_deaths();
  return absl::OkStatus();
}

absl::Status AskQuarantine(Arguments arguments, const CommandLine&, proto::CtlRequest* request) {
  if (arguments.empty()) {
    request->mutable_quarantine();
    return absl::OkStatus();
  }
  if (arguments[0] != "clear") {
    return absl::InvalidArgumentError(absl::StrCat("quarantine: '", arguments[0], "' is not clear",
                                                   DidYouMean(arguments[0], {"clear"})));
  }
  if (arguments.size() == 1) {
    return absl::InvalidArgumentError(
        "quarantine clear: which payload? Its ID, as quarantine shows it, or all");
  }
  request->mutable_clear_quarantine()->set_id(arguments[1]);
  return absl::OkStatus();
}

absl::Status AskLogLevel(Arguments arguments, const CommandLine&, proto::CtlRequest* request) {
  LogLevel level;
  if (!ParseLogLevel(arguments[0], &level)) {
    return absl::InvalidArgumentError(
        absl::StrCat("log-level: '", arguments[0], "' is not debug, info, warning or error",
                     DidYouMean(arguments[0], {"debug", "info", "warning", "error"})));
  }
  request->mutable_log_level()->set_level(arguments[0]);
  return absl::OkStatus();
}

absl::Status AskVersion(Arguments, const CommandLine&, proto::CtlRequest* request) {
  request->mutable_version();
  return absl::OkStatus();
}

struct CommandSpec {
  absl::string_view name;
  absl::string_view arguments;  // after the name, for messages
  size_t least, most;           // how many of them
  absl::string_view option;     // beside the common ones; "" = none
  absl::Duration timeout;
  absl::Status (*ask)(Arguments, const CommandLine&, proto::CtlRequest*);
  CtlTask task = CtlTask::kAskServer;
};
constexpr std::array<CommandSpec, 15> kCommands = {
    {{"status", " [--json]", 0, 0, "json", kTableTimeout, &AskStatus},
     {"top", " [--interval=SECONDS]", 0, 0, "interval", kTableTimeout, &AskStatus, CtlTask::kTop},
     {"reload", " [--check]", 0, 0, "check", kChangeTimeout, &AskReload},
     {"scale", " [workers=N|+N|-N] [pool=N|+N|-N] [pool.NAME=N|+N|-N] ... [--keep]", 1, 9, "keep",
      kChangeTimeout, &AskScale},
     {"upgrade", "", 0, 0, "", kChangeTimeout, &AskUpgrade},
     {"drain", "", 0, 0, "", kChangeTimeout, &AskDrain},
     {"stop", "", 0, 0, "", kChangeTimeout, &AskStop},
     {"reopen-logs", "", 0, 0, "", kTableTimeout, &AskReopenLogs},
     {"connections", " [--json]", 0, 0, "json", kTableTimeout, &AskConnections},
     {"jobs", " [--json]", 0, 0, "json", kTableTimeout, &AskJobs},
     {"kill-job", " ID", 1, 1, "", kTableTimeout, &AskKillJob},
     {"deaths", " [--json]", 0, 0, "json", kTableTimeout, &AskDeaths},
     {"quarantine", " [--json] [clear ID|all]", 0, 2, "json", kTableTimeout, &AskQuarantine},
     {"log-level", " debug|info|warning|error", 1, 1, "", kTableTimeout, &AskLogLevel},
     {"version", "", 0, 0, "", kTableTimeout, &AskVersion}}};

absl::StatusOr<CommandSpec> FindCommand(absl::string_view name) {
  std::vector<std::string> names;
  for (const CommandSpec& spec : kCommands) {
    if (spec.name == name) return spec;
    names.emplace_back(spec.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown command '", name, "'", DidYouMean(name, names)));
}

absl::Status CheckShape(const CommandSpec& spec, const CommandLine& line) {
  const size_t arguments = line.positionals().size() - 1;
  if (arguments < spec.least || arguments > spec.most) {
    return absl::InvalidArgumentError(
        absl::StrCat("usage: windlassctl ", spec.name, spec.arguments));
  }
  for (const std::string& option : line.Given()) {
    const bool common =
        std::find(kCommonOptions.begin(), kCommonOptions.end(), option) != kCommonOptions.end();
    if (!common && option != spec.option) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", option, " does not belong to '", spec.name, "'"));
    }
  }
  return absl::OkStatus();
}

// "2", "0.5", "500ms"
absl::StatusOr<absl::Duration> ParseInterval(const std::string& text) {
  double seconds = 0;
  const absl::StatusOr<absl::Duration> interval =
      absl::SimpleAtod(text, &seconds) ? absl::Seconds(seconds) : ParseDuration(text);
  if (interval.ok() && *interval >= kLeastInterval && *interval <= kMostInterval) return interval;
  return absl::InvalidArgumentError(absl::StrCat(
      "--interval: '", text, "' is no number of seconds from 0.1 to 3600, such as 2 or 0.5"));
}

absl::StatusOr<ColourChoice> ParseColour(const std::string& text) {
  if (text == "auto") return ColourChoice::kAuto;
  if (text == "always") return ColourChoice::kAlways;
  if (text == "never") return ColourChoice::kNever;
  return absl::InvalidArgumentError(absl::StrCat("--color: '", text,
                                                 "' is not auto, always or never",
                                                 DidYouMean(text, {"auto", "always", "never"})));
}

// How something is to be shown.
absl::Status TakeLook(const CommandLine& line, CtlOptions* options) {
  if (line.Has("color")) {
    const absl::StatusOr<ColourChoice> colour = ParseColour(line.Value("color"));
    if (!colour.ok()) return colour.status();
    options->colour = *colour;
  }
  if (line.Has("interval")) {
    const absl::StatusOr<absl::Duration> interval = ParseInterval(line.Value("interval"));
    if (!interval.ok()) return interval.status();
    options->interval = *interval;
  }
  return absl::OkStatus();
}

absl::Status TakeCommonOptions(const CommandLine& line, CtlOptions* options) {
  if (line.Has("control")) {
    options->control = line.Value("control");
    if (options->control.empty()) return absl::InvalidArgumentError("--control: no path is given");
  }
  if (line.Has("instance")) {
    const std::string name = line.Value("instance");
    if (line.Has("control")) {
      return absl::InvalidArgumentError("--instance and --control both name a socket: give one");
    }
    if (name.empty() || absl::StrContains(name, '/')) {
      return absl::InvalidArgumentError(
          absl::StrCat("--instance: '", name, "' is no name of an instance"));
    }
    options->control = InstanceControlPath(name);
  }
  if (line.Has("timeout")) {
    const absl::StatusOr<absl::Duration> timeout = ParseTimeout("--timeout", line.Value("timeout"));
    if (!timeout.ok()) return timeout.status();
    options->timeout = *timeout;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CtlOptions> ParseCtlOptions(absl::Span<const std::string> args) {
  const absl::StatusOr<CommandLine> line = CommandLine::Split(args, kOptions);
  if (!line.ok()) return line.status();
  CtlOptions options;
  if (line->Has("help")) return options;
  if (line->Has("version")) {
    options.task = CtlTask::kOwnVersion;
    return options;
  }
  if (line->positionals().empty()) return absl::InvalidArgumentError("no command");
  const absl::StatusOr<CommandSpec> spec = FindCommand(line->positionals()[0]);
  if (!spec.ok()) return spec.status();
  if (absl::Status shape = CheckShape(*spec, *line); !shape.ok()) return shape;
  options.task = spec->task;
  options.json = line->Has("json");
  options.timeout = spec->timeout;
  const Arguments arguments = Arguments(line->positionals()).subspan(1);
  if (absl::Status asked = spec->ask(arguments, *line, &options.request); !asked.ok()) return asked;
  if (absl::Status taken = TakeCommonOptions(*line, &options); !taken.ok()) return taken;
  if (absl::Status taken = TakeLook(*line, &options); !taken.ok()) return taken;
  return options;
}

}  // namespace windlass
