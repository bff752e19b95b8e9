#include "common/config_keys.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/builtin_handlers.h"
#include "common/config_codec.h"
#include "common/peer_filter.h"
#include "common/syscall_names.h"

namespace windlass {
namespace {

// Ranges that several keys share.
constexpr absl::Duration kShortest = absl::Milliseconds(1);  // what the timers can tell apart
constexpr absl::Duration kLongest = absl::Hours(24);
constexpr int kMaxWorkers = 256;            // of one generation; a job id has room for 1024 slots
constexpr int kMaxProcesses = 65536;        // past any machine this was thought for
constexpr uint64_t kLeastMemory = 1 << 20;  // any process has more: nothing smaller can be meant
constexpr int kMaxJobs = 1'000'000'000;
// Replacing processes more often would keep the server busy with that alone.
constexpr absl::Duration kShortestAge = absl::Seconds(1);
constexpr absl::Duration kLongestAge = absl::Hours(24 * 365);

const NamedValues<Protocol>& Protocols() {
  static const auto& protocols = *new NamedValues<Protocol>{{"message", Protocol::kMessage},
                                                            {"echo", Protocol::kEcho},
                                                            {"line", Protocol::kLine},
                                                            {"length", Protocol::kLength},
                                                            {"http", Protocol::kHttp}};
  return protocols;
}

template <typename Section, typename T>
Key<Section> MakeKey(std::string name, T Section::*member, Codec<T> codec, std::string help) {
  return {std::move(name), codec.expects, std::move(help),
          [member, read = codec.read](const TomlNode& node, Section* section) {
            absl::StatusOr<T> value = read(node);
            if (!value.ok()) return value.status();
            section->*member = *std::move(value);
            return absl::OkStatus();
          },
          [member, write = codec.write](const Section& section) { return write(section.*member); }};
}

// A table of Config from the keys of one of its members.
template <typename Section>
KeyTable<Config> MakeTable(std::string name, Section Config::*section, std::string help,
                           std::vector<Key<Section>> keys) {
  KeyTable<Config> table{std::move(name), std::move(help), {}};
  for (Key<Section>& key : keys) {
    table.keys.push_back(
        {key.name, key.expects, key.help,
         [section, set = key.set](const TomlNode& node, Config* config) {
           return set(node, &(config->*section));
         },
         [section, print = key.print](const Config& config) { return print(config.*section); }});
  }
  return table;
}

Key<PoolConfig> PrefetchKey() {
  const Codec<ProcessCount> codec = ProcessCountCodec(0, 1024);
  return {"prefetch", codec.expects, "Jobs kept in the kernel queue beyond one per process.",
          [codec](const TomlNode& node, PoolConfig* pool) {
            const absl::StatusOr<ProcessCount> value = codec.read(node);
            if (!value.ok()) return value.status();
            pool->prefetch_auto = value->automatic;
            pool->prefetch = value->count;
            return absl::OkStatus();
          },
          [codec](const PoolConfig& pool) {
            return codec.write(ProcessCount{pool.prefetch_auto, pool.prefetch});
          }};
}

Codec<uint64_t> MemoryLimitCodec() {
  return OptionalCodec(SizeCodec(kLeastMemory, uint64_t{1} << 50), uint64_t{0});
}

// Names of system calls, which libseccomp knows.
Codec<std::vector<std::string>> SyscallListCodec() {
  Codec<std::vector<std::string>> codec = TextListCodec();
  codec.expects = "an array of names of system calls";
  codec.read = [read = codec.read](const TomlNode& node) {
    absl::StatusOr<std::vector<std::string>> names = read(node);
    if (!names.ok()) return names;
    for (const std::string& name : *names) {
      if (IsSyscallName(name)) continue;
      return absl::StatusOr<std::vector<std::string>>(absl::InvalidArgumentError(
          absl::StrCat("must be names of system calls, and \"", name, "\" is none")));
    }
    return names;
  };
  return codec;
}

Codec<std::vector<std::string>> AllowListCodec() {
  Codec<std::vector<std::string>> codec = TextListCodec();
  codec.expects = "an array of addresses (\"10.0.0.0/8\"), users (\"uid:1000\") or groups";
  codec.read = [read = codec.read](const TomlNode& node) {
    absl::StatusOr<std::vector<std::string>> entries = read(node);
    if (!entries.ok()) return entries;
    const absl::StatusOr<PeerFilter> filter = PeerFilter::Parse(*entries);
    if (!filter.ok())
      entries = absl::InvalidArgumentError(absl::StrCat("is wrong: ", filter.status().message()));
    return entries;
  };
  return codec;
}

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

// Not set: never.
Codec<absl::Duration> AgeCodec() {
  return OptionalCodec(DurationCodec(kShortestAge, kLongestAge), absl::InfiniteDuration());
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

// Which handlers they name is looked at when all of them are known (config_check.cc).
Key<ListenerConfig> RoutesKey() {
  const std::string expects = "a table of paths and names of handlers";
  return {
      "routes", expects,
      "http: handlers of paths other than /h/NAME, as in { \"/upload\" = \"images\", \"/files/*\" "
      "= \"files\" }.",
      [expects](const TomlNode& node, ListenerConfig* listener) {
        if (node.kind != TomlNode::Kind::kTable) return WrongValue(expects, node);
        std::map<std::string, std::string> routes;
        for (const TomlEntry& route : node.table) {
          if (!absl::StartsWith(route.key, "/")) {
            return absl::InvalidArgumentError(
                absl::StrCat("must have paths that begin with a slash, not '", route.key, "'"));
          }
          if (route.key.find('*') < route.key.size() - 1) {
            return absl::InvalidArgumentError(
                absl::StrCat("can have a * only at the end of a path, unlike '", route.key, "'"));
          }
          if (route.key.find_first_of("?#") != std::string::npos) {
            return absl::InvalidArgumentError(
                absl::StrCat("can have no ? and no # in a path, unlike '", route.key, "'"));
          }
          if (absl::StartsWith(route.key, "/h/") && absl::EndsWith(route.key, "*")) {
            return absl::InvalidArgumentError(
                absl::StrCat("can have no pattern below /h/, where paths name handlers, unlike '",
                             route.key, "'"));
          }
          absl::StatusOr<std::string> handler = TextCodec().read(route.value);
          if (!handler.ok()) {
            return absl::InvalidArgumentError(absl::StrCat("must name a handler for '", route.key,
                                                           "': it ", handler.status().message()));
          }
          routes[route.key] = *std::move(handler);
        }
        listener->routes = std::move(routes);
        return absl::OkStatus();
      },
      [](const ListenerConfig& listener) -> std::optional<std::string> {
        if (listener.routes.empty()) return std::nullopt;
        const auto one = [](std::string* out,
                            const std::pair<const std::string, std::string>& route) {
          absl::StrAppend(out, TomlKey(route.first), " = ", TomlValue(OptionValue(route.second)));
        };
        return absl::StrCat("{ ", absl::StrJoin(listener.routes, ", ", one), " }");
      }};
}

std::vector<KeyTable<Config>> MakeConfigTables() {
  using M = MasterConfig;
  using W = WorkersConfig;
  using P = PoolConfig;
  return {
      MakeTable<M>(
          "master", &Config::master, "The process that supervises all others.",
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
      MakeTable<W>("workers", &Config::workers, "Processes that talk to clients.",
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
          "pool", &Config::pool, "Processes that run handlers.",
          {
              MakeKey("processes", &P::processes, ProcessCountCodec(1, kMaxProcesses),
                      "How many processes; auto: as many as usable CPUs."),
              MakeKey("queue", &P::queue, IntegerCodec(1, 1 << 20),
                      "Jobs that may wait, in all workers together."),
              PrefetchKey(),
              MakeKey("max_jobs", &P::max_jobs, OptionalCodec(IntegerCodec(1, kMaxJobs), 0),
                      "Jobs after which a process is replaced; never when not set."),
              MakeKey("max_age", &P::max_age, AgeCodec(),
                      "Age at which a process is replaced; never when not set."),
              MakeKey("max_memory", &P::max_memory,
                      OptionalCodec(SizeCodec(kLeastMemory, uint64_t{1} << 50), uint64_t{0}),
                      "Resident memory at which a process is replaced; never when not set."),
              MakeKey("quarantine_ttl", &P::quarantine_ttl,
                      DurationCodec(absl::ZeroDuration(), kLongestAge),
                      "How long a payload is refused that has crashed two processes; 0s: never."),
              MakeKey("sandbox", &P::sandbox,
                      OneOfCodec<SandboxLevel>({{"strict", SandboxLevel::kStrict},
                                                {"basic", SandboxLevel::kBasic},
                                                {"off", SandboxLevel::kOff}}),
                      "Which system calls processes may make: strict: none that reach beyond the "
                      "process; basic: none that start programs, or reach other processes, the "
                      "network or the machine."),
              MakeKey("sandbox_allow", &P::sandbox_allow, SyscallListCodec(),
                      "System calls that the sandbox allows all the same."),
              MakeKey("sandbox_log_only", &P::sandbox_log_only, BooleanCodec(),
                      "Whether what the sandbox forbids is only logged, to try it."),
              MakeKey("memory_limit", &P::memory_limit, MemoryLimitCodec(),
                      "Memory that a process may take for its jobs, beyond what its handlers have "
                      "loaded; no limit when not set."),
              MakeKey("limit_nofile", &P::limit_nofile,
                      OptionalCodec(IntegerCodec(128, 1 << 20), 0),
                      "Open files of a process; as the server when not set."),
              MakeKey("limit_fsize", &P::limit_fsize,
                      OptionalCodec(SizeCodec(kLeastMemory, uint64_t{1} << 50), uint64_t{0}),
                      "Size of a file that a process writes; as the server when not set."),
              MakeKey("limit_nproc", &P::limit_nproc, OptionalCodec(IntegerCodec(0, 1 << 20), -1),
                      "Processes and threads that the processes' user may have in all; as the "
                      "server when not set."),
              MakeKey("limit_core", &P::limit_core, SizeCodec(0, uint64_t{1} << 50),
                      "Size of a core dump."),
              MakeKey("nice", &P::nice, IntegerCodec(0, 19),
                      "How far processes stand back when others want the CPU."),
              MakeKey("oom_score_adj", &P::oom_score_adj, IntegerCodec(0, 1000),
                      "How readily the kernel kills processes when it is short of memory: these "
                      "rather than the others of the server."),
          }),
      MakeTable<LogConfig>("log", &Config::log, "What is logged, and where.",
                           {LogLevelKey(), LogFormatKey(),
                            MakeKey("file", &LogConfig::file, AbsolutePathCodec(),
                                    "The file that lines are appended to; standard error when not "
                                    "set.")}),
      MakeTable<AdminConfig>(
          "admin", &Config::admin, "Pages for operators over HTTP: metrics, health, status.",
          {MakeKey("address", &AdminConfig::address, ListenAddressOrNoneCodec(),
                   "Where they are served."),
           MakeKey("hosts", &AdminConfig::hosts, TextListCodec(),
                   "Names that a client may call this server by, beside IP addresses, localhost "
                   "and the name in address; \"*\" is any.")}),
  };
}

KeyTable<ListenerConfig> MakeListenerKeys() {
  using L = ListenerConfig;
  const Codec<absl::Duration> timeout = DurationCodec(kShortest, kLongest);
  return {
      "listener",
      "An address, and the protocol that is spoken there.",
      {
          MakeKey("address", &L::address, ListenAddressCodec(),
                  "Where to listen: :PORT is every interface, port 0 picks one, a name is all its "
                  "addresses."),
          MakeKey("protocol", &L::protocol, OneOfCodec(Protocols()), "How requests are framed."),
          MakeKey("handler", &L::handler, TextCodec(), "The handler of requests that name none."),
          RoutesKey(),
          MakeKey("keepalive", &L::keepalive, BooleanCodec(),
                  "Whether a connection stays open after an answer (false by default for length)."),
          MakeKey("backlog", &L::backlog, IntegerCodec(1, 65535),
                  "Connections that may wait to be accepted."),
          MakeKey("mode", &L::mode, FileModeCodec(),
                  "Permission bits of a unix: address; by umask when not set."),
          MakeKey("owner", &L::owner, TextCodec(), "User that owns a unix: address."),
          MakeKey("group", &L::group, TextCodec(), "Group that owns a unix: address."),
          MakeKey("allow", &L::allow, AllowListCodec(),
                  "Who may connect: addresses and blocks of them; of a unix: address users and "
                  "groups. Everybody when not set."),
          MakeKey("proxy_protocol", &L::proxy_protocol, BooleanCodec(),
                  "Whether connections begin with a header of the PROXY protocol, version 1 or 2, "
                  "which says who the client is; needs allow, for the proxies."),
          MakeKey("max_header", &L::max_header, SizeCodec(1, 64 << 10),
                  "Longest header of a request."),
          MakeKey("max_content", &L::max_content, SizeCodec(1, uint64_t{1} << 40),
                  "Longest content of a request."),
          MakeKey("max_line", &L::max_line, SizeCodec(1, 1 << 30),
                  "Longest line of the line protocol."),
          MakeKey("max_in_flight", &L::max_in_flight, IntegerCodec(1, 65536),
                  "Requests of one connection that may be unanswered; then reading stops."),
          MakeKey("frame_timeout", &L::frame_timeout, timeout,
                  "How long a request may take to arrive whole."),
          MakeKey("idle_timeout", &L::idle_timeout, timeout,
                  "How long a connection may be silent between requests."),
          MakeKey("write_timeout", &L::write_timeout, timeout,
                  "How long a client may take nothing of its answer."),
          MakeKey("half_close", &L::half_close,
                  OneOfCodec<HalfClose>(
                      {{"answer", HalfClose::kAnswer}, {"cancel", HalfClose::kCancel}}),
                  "Whether a client that stopped sending still gets its answers (cancel by default "
                  "for http)."),
          MakeKey("access_log", &L::access_log, AbsolutePathCodec(),
                  "The file that gets a line for each request; none when not set."),
          MakeKey("access_log_sample", &L::access_log_sample, ShareCodec(),
                  "The share of requests that the access log has, picked at random."),
      }};
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
          }};
}

}  // namespace

const std::vector<KeyTable<Config>>& ConfigTables() {
  static const auto& tables = *new std::vector<KeyTable<Config>>(MakeConfigTables());
  return tables;
}

const KeyTable<ListenerConfig>& ListenerKeys() {
  static const auto& keys = *new KeyTable<ListenerConfig>(MakeListenerKeys());
  return keys;
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

std::vector<std::string> ProtocolNames() {
  std::vector<std::string> names;
  for (const auto& [name, protocol] : Protocols()) names.push_back(name);
  return names;
}

std::optional<Protocol> FindProtocol(absl::string_view name) {
  for (const auto& [candidate, protocol] : Protocols()) {
    if (candidate == name) return protocol;
  }
  return std::nullopt;
}

absl::string_view ProtocolName(Protocol protocol) {
  for (const auto& [name, candidate] : Protocols()) {
    if (candidate == protocol) return name;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

ListenerConfig AdminListener(const AdminConfig& admin) {
  ListenerConfig listener;
  listener.address = admin.address;
  listener.protocol = Protocol::kHttp;
  // One answer a connection: then a process that ends leaves no client in the middle of asking.
  listener.keepalive = false;
  listener.backlog = 128;
  listener.max_header = 16 << 10;
  listener.max_content = 16 << 10;  // nothing here takes any
  listener.max_in_flight = 8;
  // Places are few, and whoever asks here is near.
  listener.frame_timeout = listener.idle_timeout = absl::Seconds(2);
  return listener;
}

ListenerConfig DefaultListener(Protocol protocol) {
  ListenerConfig listener;
  listener.protocol = protocol;
  // The clients of the length recipe read to the end of the stream.
  listener.keepalive = protocol != Protocol::kLength;
  // Those of http either wait for their answer, or are gone.
  if (protocol == Protocol::kHttp) listener.half_close = HalfClose::kCancel;
  return listener;
}

}  // namespace windlass
