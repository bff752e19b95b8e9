#include "tools/client/client_options.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "common/builtin_handlers.h"
#include "common/config_codec.h"
#include "common/nearest_name.h"
#include "tools/client/command_line.h"

namespace windlass {
namespace {

// More would need more descriptors than Linux allows a process by default (fs.nr_open).
constexpr uint64_t kMaxConnections = 1'000'000;
constexpr uint64_t kMaxProcesses = 1024;
constexpr absl::Duration kLargeTimeout = absl::Minutes(1);
constexpr uint64_t kMaxDeadlineMs = 86'400'000;  // wire.md: a day
constexpr size_t kAnyNumber = SIZE_MAX;

constexpr std::array<OptionSpec, 26> kOptions = {{{"json"},
                                                  {"show-wire"},
                                                  {"timeout", true},
                                                  {"help"},
                                                  {"version"},
                                                  {"no-half-close"},
                                                  {"handler", true},
                                                  {"content-type", true},
                                                  {"content-encoding", true},
                                                  {"header", true, true},
                                                  {"deadline-ms", true},
                                                  {"request-id", true},
                                                  {"library", true},
                                                  {"builtin", true},
                                                  {"option", true, true},
                                                  {"deadline", true},
                                                  {"processes", true},
                                                  {"op", true},
                                                  {"radius", true},
                                                  {"width", true},
                                                  {"height", true},
                                                  {"size", true},
                                                  {"degrees", true},
                                                  {"direction", true},
                                                  {"format", true},
                                                  {"quality", true}}};
// Keys of the handler's (tools/examples/image), which says what is wrong with them.
constexpr std::array<absl::string_view, 9> kImageKeys = {
    "op", "radius", "width", "height", "size", "degrees", "direction", "format", "quality"};
constexpr std::array<absl::string_view, 5> kCommonOptions = {"json", "show-wire", "timeout", "help",
                                                             "version"};
constexpr std::array<absl::string_view, 6> kSendOptions = {
    "handler", "content-type", "content-encoding", "header", "deadline-ms", "request-id"};
constexpr std::array<absl::string_view, 11> kRunOptions = {
    "library", "builtin",  "handler",   "option", "content-type", "content-encoding",
    "header",  "deadline", "processes", "help",   "version"};

struct CommandSpec {
  absl::string_view name;
  ClientCommand command;
  absl::string_view arguments;  // after the name, for messages
  size_t least, most;           // how many of them
};
constexpr std::array<CommandSpec, 10> kCommands = {
    {{"echo", ClientCommand::kEcho, "ADDRESS TEXT", 2, 2},
     {"multi", ClientCommand::kMulti, "ADDRESS CONNECTIONS [MESSAGE]...", 2, kAnyNumber},
     {"search", ClientCommand::kSearch, "ADDRESS VALUE", 2, 2},
     {"binary", ClientCommand::kBinary, "ADDRESS VALUE", 2, 2},
     {"line", ClientCommand::kLine, "ADDRESS", 1, 1},
     {"length", ClientCommand::kLength, "ADDRESS FILE", 2, 2},
     {"send", ClientCommand::kSend, "ADDRESS FILE", 2, 2},
     {"image", ClientCommand::kImage, "ADDRESS IN OUT", 3, 3},
     {"infer", ClientCommand::kInfer, "ADDRESS FILE", 2, 2},
     {"run", ClientCommand::kRun, "--library=LIBRARY FILE", 1, 1}}};

absl::StatusOr<CommandSpec> FindCommand(absl::string_view name) {
  std::vector<std::string> names;
  for (const CommandSpec& spec : kCommands) {
    if (spec.name == name) return spec;
    names.emplace_back(spec.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown command '", name, "'", DidYouMean(name, names)));
}

bool Accepts(ClientCommand command, absl::string_view option) {
  const auto in = [option](const auto& list) {
    return std::find(list.begin(), list.end(), option) != list.end();
  };
  if (command == ClientCommand::kRun) return in(kRunOptions);
  if (in(kCommonOptions)) return true;
  if (in(kImageKeys)) return command == ClientCommand::kImage;
  if (command == ClientCommand::kImage || command == ClientCommand::kInfer) {
    return option == "handler" || option == "deadline-ms" || option == "request-id";
  }
  if (in(kSendOptions)) return command == ClientCommand::kSend;
  if (in(kRunOptions)) return false;
  return command == ClientCommand::kLine || command == ClientCommand::kLength;
}

// Keys that are written from elsewhere: a second one would make the header malformed.
bool HasItsOwnOption(absl::string_view key) {
  return key == "byteorder" || key == "content-length" ||
         std::find(kSendOptions.begin(), kSendOptions.end(), key) != kSendOptions.end();
}

absl::Status TakeMoreKeys(const std::vector<std::string>& given, MessageOptions* message) {
  for (const std::string& pair : given) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--header: '", pair, "' is not KEY=VALUE"));
    }
    const std::string key = pair.substr(0, equals);
    const bool twice = std::any_of(message->more_keys.begin(), message->more_keys.end(),
                                   [&key](const auto& other) { return other.first == key; });
    if (twice || HasItsOwnOption(key)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--header: the key '", key, "' is ", twice ? "given twice" : "reserved"));
    }
    message->more_keys.emplace_back(key, pair.substr(equals + 1));
  }
  return absl::OkStatus();
}

void TakeContentOptions(const CommandLine& line, MessageOptions* message) {
  if (line.Has("content-type")) {
    message->content_type = line.Value("content-type");
    message->content_encoding =
        absl::StartsWith(message->content_type, "text/") ? "utf-8" : "binary";
  }
  if (line.Has("content-encoding")) message->content_encoding = line.Value("content-encoding");
}

absl::Status TakeSendOptions(const CommandLine& line, ClientOptions* options) {
  MessageOptions& message = options->message;
  message.handler = line.Value("handler");
  TakeContentOptions(line, &message);
  if (line.Has("request-id")) message.request_id = line.Value("request-id");
  if (message.request_id && message.request_id->size() > 256) {
    return absl::InvalidArgumentError("--request-id: at most 256 bytes");
  }
  if (line.Has("deadline-ms")) {
    const absl::StatusOr<uint64_t> deadline =
        ParseCount("--deadline-ms", line.Value("deadline-ms"), 1, kMaxDeadlineMs);
    if (!deadline.ok()) return deadline.status();
    message.deadline_ms = static_cast<uint32_t>(*deadline);
    options->timeout =
        std::max(options->timeout, absl::Milliseconds(message.deadline_ms) + absl::Seconds(5));
  }
  return TakeMoreKeys(line.Values("header"), &message);
}

// The format that a file's name asks for; "": that of what comes in.
absl::StatusOr<std::string> FormatOfName(absl::string_view path) {
  const absl::string_view name = path.substr(path.rfind('/') + 1);  // npos wraps
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos) return "";
  const std::string ending = absl::AsciiStrToLower(name.substr(dot + 1));
  if (ending == "jpg") return "jpeg";
  if (ending == "png" || ending == "jpeg" || ending == "ppm" || ending == "pgm") return ending;
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": png, jpeg, ppm and pgm can be made, not '", ending, "' (or say --format)"));
}

absl::Status TakeImageOptions(const CommandLine& line, ClientOptions* options) {
  options->timeout = kLargeTimeout;
  if (absl::Status taken = TakeSendOptions(line, options); !taken.ok()) return taken;
  MessageOptions& message = options->message;
  if (message.handler.empty()) message.handler = "image";
  message.content_type = "application/octet-stream";
  for (const absl::string_view key : kImageKeys) {
    if (line.Has(key)) message.more_keys.emplace_back(key, line.Value(key));
  }
  if (line.Has("format")) return absl::OkStatus();
  const absl::StatusOr<std::string> format = FormatOfName(options->out_file);
  if (!format.ok()) return format.status();
  if (!format->empty()) message.more_keys.emplace_back("format", *format);
  return absl::OkStatus();
}

absl::Status TakeHandlerOptions(const std::vector<std::string>& given, RunOptions* run) {
  for (const std::string& pair : given) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return absl::InvalidArgumentError(absl::StrCat("--option: '", pair, "' is not KEY=VALUE"));
    const std::string key = pair.substr(0, equals);
    absl::StatusOr<OptionValue> value = ReadOptionValue(ReadTomlValue(pair.substr(equals + 1)));
    if (!value.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--option: '", key, "' ", value.status().message()));
    }
    if (!run->options.emplace(key, *std::move(value)).second)
      return absl::InvalidArgumentError(absl::StrCat("--option: '", key, "' is given twice"));
  }
  return absl::OkStatus();
}

absl::Status TakeRunOptions(const CommandLine& line, ClientOptions* options) {
  RunOptions& run = options->run;
  run.library = line.Value("library");
  run.builtin = line.Value("builtin");
  run.handler = line.Value("handler");
  if (run.library.empty() == run.builtin.empty())
    return absl::InvalidArgumentError("run needs --library, or --builtin instead of it");
  if (!run.builtin.empty() && !run.handler.empty())
    return absl::InvalidArgumentError("--handler belongs to --library");
  const std::vector<std::string> builtins = BuiltinNames();
  if (!run.builtin.empty() && FindBuiltin(run.builtin) == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("--builtin: there is no '", run.builtin, "'",
                                                   DidYouMean(run.builtin, builtins)));
  }
  TakeContentOptions(line, &options->message);
  if (line.Has("deadline")) {
    const absl::StatusOr<absl::Duration> deadline =
        ParseTimeout("--deadline", line.Value("deadline"));
    if (!deadline.ok()) return deadline.status();
    run.deadline = *deadline;
  }
  if (line.Has("processes")) {
    const absl::StatusOr<uint64_t> processes =
        ParseCount("--processes", line.Value("processes"), 1, kMaxProcesses);
    if (!processes.ok()) return processes.status();
    run.processes = static_cast<int>(*processes);
  }
  const absl::Status taken = TakeHandlerOptions(line.Values("option"), &run);
  return taken.ok() ? TakeMoreKeys(line.Values("header"), &options->message) : taken;
}

absl::Status TakeMultiArguments(const std::vector<std::string>& given, ClientOptions* options) {
  const absl::StatusOr<uint64_t> count = ParseCount("CONNECTIONS", given[2], 1, kMaxConnections);
  if (!count.ok()) return count.status();
  options->connections = static_cast<uint32_t>(*count);
  options->messages.assign(given.begin() + 3, given.end());
  if (options->messages.empty()) {
    options->messages = {"Message 1 from client.", "Message 2 from client."};
  }
  return absl::OkStatus();
}

absl::Status TakeArguments(const CommandLine& line, ClientOptions* options) {
  const std::vector<std::string>& given = line.positionals();
  if (options->command == ClientCommand::kRun) {
    options->file = given[1];
    return TakeRunOptions(line, options);
  }
  options->address = given[1];
  const absl::StatusOr<ListenAddress> address = ParseListenAddress(options->address);
  if (!address.ok()) return absl::InvalidArgumentError(address.status().message());
  switch (options->command) {
    case ClientCommand::kHelp:
    case ClientCommand::kVersion:
    case ClientCommand::kLine:
    case ClientCommand::kRun:  // done already: it has no address
      return absl::OkStatus();
    case ClientCommand::kSearch:
      options->message.content_type = "text/json";
      options->message.content_encoding = "utf-8";
      [[fallthrough]];
    case ClientCommand::kEcho:
    case ClientCommand::kBinary:
      options->text = given[2];
      return absl::OkStatus();
    case ClientCommand::kMulti:
      return TakeMultiArguments(given, options);
    case ClientCommand::kLength:
      options->file = given[2];
      return absl::OkStatus();
    case ClientCommand::kSend:
      options->file = given[2];
      return TakeSendOptions(line, options);
    case ClientCommand::kInfer:
      options->file = given[2];
      options->timeout = kLargeTimeout;
      if (absl::Status taken = TakeSendOptions(line, options); !taken.ok()) return taken;
      if (options->message.handler.empty()) options->message.handler = "infer";
      return absl::OkStatus();
    case ClientCommand::kImage:
      options->file = given[2];
      options->out_file = given[3];
      return TakeImageOptions(line, options);
  }
  return absl::InternalError("unknown command");
}

absl::Status CheckShape(const CommandSpec& spec, const CommandLine& line) {
  const size_t arguments = line.positionals().size() - 1;
  if (arguments < spec.least || arguments > spec.most) {
    return absl::InvalidArgumentError(
        absl::StrCat("usage: windlass ", spec.name, " ", spec.arguments));
  }
  for (const std::string& option : line.Given()) {
    if (!Accepts(spec.command, option)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", option, " does not belong to '", spec.name, "'"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ClientOptions> ParseClientOptions(absl::Span<const std::string> args) {
  const absl::StatusOr<CommandLine> line = CommandLine::Split(args, kOptions);
  if (!line.ok()) return line.status();
  ClientOptions options;
  if (line->Has("help")) return options;
  if (line->Has("version")) {
    options.command = ClientCommand::kVersion;
    return options;
  }
  if (line->positionals().empty()) {
    return absl::InvalidArgumentError("no command (windlass --help lists them)");
  }
  const absl::StatusOr<CommandSpec> spec = FindCommand(line->positionals()[0]);
  if (!spec.ok()) return spec.status();
  if (absl::Status shape = CheckShape(*spec, *line); !shape.ok()) return shape;
  options.command = spec->command;
  options.json = line->Has("json");
  options.show_wire = line->Has("show-wire");
  options.half_close = !line->Has("no-half-close");
  if (absl::Status taken = TakeArguments(*line, &options); !taken.ok()) return taken;
  if (line->Has("timeout")) {
    const absl::StatusOr<absl::Duration> timeout =
        ParseTimeout("--timeout", line->Value("timeout"));
    if (!timeout.ok()) return timeout.status();
    options.timeout = *timeout;
  }
  return options;
}

}  // namespace windlass
