#include "common/config_keys.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/builtin_handlers.h"
#include "common/config_key_makers.h"

namespace windlass {
namespace {

Key<LogConfig> LogLevelKey() {
  const NamedValues<std::string> levels = {
      {"debug", "debug"}, {"info", "info"}, {"warning", "warning"}, {"error", "error"}};
  return MakeKey("level", &LogConfig::level, OneOfCodec(levels), "The least level that is logged.");
}

Key<LogConfig> LogFormatKey() {
  const NamedValues<std::string> formats = {{"text", "text"}, {"json", "json"}};
  return MakeKey("format", &LogConfig::format, OneOfCodec(formats),
                 "How a line looks: text, or one JSON object.");
}

// What is before a NUL would be taken for the whole.
Codec<std::string> LibraryCodec() {
  Codec<std::string> codec = TextCodec();
  codec.expects = "the path or the name of a library";
  codec.read = [expects = codec.expects, read = codec.read](const TomlNode& node) {
    absl::StatusOr<std::string> library = read(node);
    if (library.ok() && library->find('\0') == std::string::npos) return library;
    return absl::StatusOr<std::string>(WrongValue(expects, node));
  };
  return codec;
}

// Which options exist, and of which type, depends on the handler: what is wrong with one of them is
// reported by config_tree.cc, with its position, or by the handler itself.
Key<HandlerConfig> OptionsKey() {
  const std::string expects = "a table of options";
  return {"options", expects, "What the handler wants to know, as in { root = \"/srv\" }.",
          [expects](const TomlNode& node, HandlerConfig* handler) {
            if (node.kind != TomlNode::Kind::kTable) return WrongValue(expects, node);
            handler->options.clear();
            for (const TomlEntry& option : node.table) {
              absl::StatusOr<OptionValue> value = ReadOptionValue(option.value);
              if (value.ok()) handler->options[option.key] = *std::move(value);
            }
            return absl::OkStatus();
          },
          [](const HandlerConfig& handler) -> std::optional<std::string> {
            if (handler.options.empty()) return std::nullopt;
            const auto one = [](std::string* out,
                                const std::pair<const std::string, OptionValue>& option) {
              absl::StrAppend(out, TomlKey(option.first), " = ", TomlValue(option.second));
            };
            return absl::StrCat("{ ", absl::StrJoin(handler.options, ", ", one), " }");
          }};
}

std::vector<KeyTable<Config>> MakeConfigTables() {
  using M = MasterConfig;
  using W = WorkersConfig;
  using P = PoolConfig;
  return {
      MakeTable<M>(
          "master", [](auto& config) -> auto& { return config.master; },
          "The process that supervises all others.",
          {
              MakeKey("user", &M::user, TextCodec(),
                      "User (name or number) that workers and pool processes become when the "
                      "server is started as root; without it, pool processes become nobody."),
              MakeKey("group", &M::group, TextCodec(),
                      "Group (name or number) to go with user; the user's own when not set."),
              MakeKey("pid_file", &M::pid_file, AbsolutePathCodec(),
                      "Where the master's process id is written; nowhere when not set."),
              MakeKey("control", &M::control, AbsolutePathCodec(),
                      "The socket that windlassctl talks to; control.sock in $RUNTIME_DIRECTORY, "
                      "$XDG_RUNTIME_DIR/windlass, /run/windlass or /tmp/windlass-UID when not "
                      "set."),
              MakeKey("drain_timeout", &M::drain_timeout,
                      DurationCodec(absl::ZeroDuration(), kLongest),
                      "How long a stopping server lets jobs and answers finish."),
              MakeKey("startup_timeout", &M::startup_timeout, DurationCodec(kShortest, kLongest),
                      "How long new processes have until they are ready."),
              MakeKey("max_generations", &M::max_generations, IntegerCodec(2, 8),
                      "How many configurations may have processes at once: one that serves, the "
                      "others draining or starting."),
              MakeKey("max_processes", &M::max_processes, IntegerCodec(2, kMaxProcesses),
                      "Workers and pool processes together."),
          }),
      MakeTable<W>("workers", [](auto& config) -> auto& { return config.workers; },
                   "Processes that talk to clients.",
                   {
                       MakeKey("count", &W::count, ProcessCountCodec(1, kMaxWorkers),
                               "How many workers; auto: as many as usable CPUs."),
                       MakeKey("max", &W::max, IntegerCodec(1, kMaxWorkers),
                               "How many workers there may ever be."),
                       MakeKey("max_connections", &W::max_connections, IntegerCodec(1, 1 << 20),
                               "Client connections in each worker."),
                       MakeKey("payload_memory", &W::payload_memory, MemoryAmountCodec(),
                               "Memory for all payloads in flight, in the whole server; a share is "
                               "of the usable memory."),
                       MakeKey("selector", &W::selector,
                               OneOfCodec<SelectorKind>({{"epoll", SelectorKind::kEpoll},
                                                         {"poll", SelectorKind::kPoll}}),
                               "How workers wait for clients."),
                       MakeKey("cpu_affinity", &W::cpu_affinity,
                               OneOfCodec<CpuAffinity>(
                                   {{"auto", CpuAffinity::kAuto}, {"none", CpuAffinity::kNone}}),
                               "auto: no two workers run on the same CPU, as far as there are "
                               "enough; none: the kernel decides."),
                       MakeKey("max_age", &W::max_age, AgeCodec(),
                               "Age at which a worker is replaced; never when not set."),
                   }),
      MakeTable<P>(
          PoolKeys().name, [](auto& config) -> auto& { return config.pools[0]; }, PoolKeys().help,
          PoolKeys().keys),
      MakeTable<LogConfig>("log", [](auto& config) -> auto& { return config.log; },
                           "What is logged, and where.",
                           {LogLevelKey(), LogFormatKey(),
                            MakeKey("file", &LogConfig::file, AbsolutePathCodec(),
                                    "The file that lines are appended to; standard error when not "
                                    "set.")}),
      MakeTable<AdminConfig>(
          "admin", [](auto& config) -> auto& { return config.admin; },
          "Pages for operators over HTTP: metrics, health, status.",
          {MakeKey("address", &AdminConfig::address, ListenAddressOrNoneCodec(),
                   "Where they are served."),
           MakeKey("hosts", &AdminConfig::hosts, TextListCodec(),
                   "Names that a client may call this server by, beside IP addresses, localhost "
                   "and the name in address; \"*\" is any.")}),
  };
}

KeyTable<HandlerConfig> MakeHandlerKeys() {
  using H = HandlerConfig;
  return {"handler",
          "What runs for a request. Those named like a default one replace it.",
          {
              MakeKey("name", &H::name, TextCodec(), "What requests call it."),
              MakeKey("builtin", &H::builtin, OneOfCodec([] {
                        NamedValues<std::string> values;
                        for (const std::string& name : BuiltinNames())
                          values.push_back({name, name});
                        return values;
                      }()),
                      "The built-in code that it runs."),
              MakeKey("library", &H::library, LibraryCodec(),
                      "The shared library with the code that it runs, instead of builtin: a path, "
                      "or a name in the folder of plug-ins."),
              MakeKey("entry", &H::entry, TextCodec(),
                      "The handler of that library; the one of this name, or the only one, when "
                      "not set."),
              MakeKey("content_type", &H::content_type, TextCodec(),
                      "Requests of exactly this type come here when nothing names a handler."),
              OptionsKey(),
              MakeKey("deadline", &H::deadline, DurationOrOffCodec(kShortest, kLongest),
                      "How long a job may wait and run; off is for debugging."),
              MakeKey("slow_after", &H::slow_after, SlowAfterCodec(kShortest, kLongest),
                      "How long a job may run until the log says where it is; a share is of the "
                      "time that it has."),
              MakeKey("idempotent", &H::idempotent, BooleanCodec(),
                      "Whether a job is run once more when its process crashed."),
              MakeKey("json", &H::json, BooleanCodec(),
                      "Whether it takes JSON only, so that http clients need not say that it is "
                      "(true by default for search and burn)."),
              MakeKey("memory_limit", &H::memory_limit, MemoryLimitCodec(),
                      "As the pool's, for jobs of this handler."),
              MakeKey("pool", &H::pool, TextCodec(),
                      "The [pool.NAME] whose processes run it; those of [pool] when not set."),
          }};
}

}  // namespace

const std::vector<KeyTable<Config>>& ConfigTables() {
  static const auto& tables = *new std::vector<KeyTable<Config>>(MakeConfigTables());
  return tables;
}

const KeyTable<HandlerConfig>& HandlerKeys() {
  static const auto& keys = *new KeyTable<HandlerConfig>(MakeHandlerKeys());
  return keys;
}

const KeyTable<Config>* FindConfigTable(absl::string_view name) {
  const auto found =
      std::find_if(ConfigTables().begin(), ConfigTables().end(),
                   [name](const KeyTable<Config>& table) { return table.name == name; });
  return found == ConfigTables().end() ? nullptr : &*found;
}

}  // namespace windlass
