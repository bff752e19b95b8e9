#include "common/config_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/address.h"
#include "common/builtin_handlers.h"
#include "common/config_check.h"
#include "common/config_keys.h"
#include "common/log.h"

namespace windlass {
namespace {

constexpr char kListener[] = "[[listener]]\naddress = \"127.0.0.1:1\"\n";

class LoadConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "config_load_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    sources_.file = directory_ + "/w.toml";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  absl::StatusOr<Config> Load(const std::string& text) {
    std::ofstream(sources_.file) << text;
    return LoadConfig(sources_);
  }
  // The error lines, with the file called F; empty when there is none.
  std::vector<std::string> Errors(const std::string& text) {
    const absl::Status status = Load(text).status();
    if (status.ok()) return {};
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    const std::string message = absl::StrReplaceAll(status.message(), {{sources_.file, "F"}});
    return absl::StrSplit(message, '\n');
  }
  std::vector<std::string> ErrorsWithoutFile() {
    sources_.file.clear();
    const absl::Status status = LoadConfig(sources_).status();
    return absl::StrSplit(std::string(status.message()), '\n', absl::SkipEmpty());
  }

  std::string directory_;
  ConfigSources sources_;
};

using Lines = std::vector<std::string>;

TEST(LoadConfig, WithoutAFileServesMessageOnLoopbackWithTheBuiltinHandlers) {
  const Config config = *LoadConfig({});
  EXPECT_EQ(config.source, "(built-in default)");
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].protocol, Protocol::kMessage);
  EXPECT_EQ(config.listeners[0].address.text, "127.0.0.1:65432");
  std::vector<std::string> handlers;
  for (const HandlerConfig& handler : config.handlers) handlers.push_back(handler.name);
  EXPECT_EQ(handlers, (Lines{"search", "binary", "echo", "burn"}));
  EXPECT_EQ(config.master, MasterConfig{});
  EXPECT_EQ(config.workers, WorkersConfig{});
  EXPECT_EQ(config.pools, std::vector<PoolConfig>(1));
  EXPECT_EQ(config.log, LogConfig{});
}

TEST_F(LoadConfigTest, ReadsEveryKey) {
  const absl::StatusOr<Config> config = Load(R"(
[master]
user = "web"
group = "www"
pid_file = "/run/w.pid"
control = "/run/w.sock"
drain_timeout = "0"
startup_timeout = "1m30s"
max_generations = 4
max_processes = 100
[workers]
count = 3
max = 5
max_connections = 7
payload_memory = "1GiB"
selector = "poll"
cpu_affinity = "none"
max_age = "24h"
[pool]
processes = 4
queue = 6
prefetch = 0
max_jobs = 1000
max_age = "12h"
max_memory = "1GiB"
sandbox = "strict"
sandbox_allow = ["openat", "open"]
sandbox_log_only = true
memory_limit = "512MiB"
limit_nofile = 256
limit_fsize = "2MiB"
limit_nproc = 0
limit_core = "1MiB"
nice = 3
oom_score_adj = 0
[log]
level = "debug"
format = "json"
file = "/var/log/w.log"
[[listener]]
address = "unix:/run/x.sock"
protocol = "line"
handler = "pictures"
keepalive = false
backlog = 8
mode = "0660"
owner = "web"
group = "www"
max_header = "1KiB"
max_content = 2000
max_line = "3MB"
max_in_flight = 9
frame_timeout = "1s"
idle_timeout = "2s"
write_timeout = "3s"
half_close = "cancel"
access_log = "/var/log/a.log"
access_log_sample = 0.25
[[handler]]
name = "pictures"
builtin = "file"
content_type = "image/png"
options = { root = "/srv" }
deadline = "1ms"
)");
  ASSERT_EQ(config.status(), absl::OkStatus());
  EXPECT_EQ(config->source, sources_.file);
  EXPECT_EQ(config->master, (MasterConfig{absl::ZeroDuration(), absl::Seconds(90), 100, 4, "web",
                                          "www", "/run/w.pid", "/run/w.sock"}));
  EXPECT_EQ(config->workers, (WorkersConfig{{false, 3},
                                            5,
                                            7,
                                            {false, 1 << 30},
                                            SelectorKind::kPoll,
                                            CpuAffinity::kNone,
                                            absl::Hours(24)}));
  PoolConfig pool;
  pool.processes = {false, 4};
  pool.queue = 6;
  pool.prefetch_auto = false;
  pool.max_jobs = 1000;
  pool.max_age = absl::Hours(12);
  pool.max_memory = 1 << 30;
  pool.sandbox = SandboxLevel::kStrict;
  pool.sandbox_allow = {"openat", "open"};
  pool.sandbox_log_only = true;
  pool.memory_limit = 512 << 20;
  pool.limit_nofile = 256;
  pool.limit_fsize = 2 << 20;
  pool.limit_nproc = 0;
  pool.limit_core = 1 << 20;
  pool.nice = 3;
  pool.oom_score_adj = 0;
  EXPECT_EQ(config->pools[0], pool);
  EXPECT_EQ(config->log, (LogConfig{"debug", "json", "/var/log/w.log"}));
  ListenerConfig listener;
  listener.address = {ListenAddress::Kind::kUnix, "", 0, "/run/x.sock", "unix:/run/x.sock"};
  listener.protocol = Protocol::kLine;
  listener.handler = "pictures";
  listener.keepalive = false;
  listener.backlog = 8;
  listener.mode = 0660;
  listener.owner = "web";
  listener.group = "www";
  listener.max_header = 1024;
  listener.max_content = 2000;
  listener.max_line = 3'000'000;
  listener.max_in_flight = 9;
  listener.frame_timeout = absl::Seconds(1);
  listener.idle_timeout = absl::Seconds(2);
  listener.write_timeout = absl::Seconds(3);
  listener.half_close = HalfClose::kCancel;
  listener.access_log = "/var/log/a.log";
  listener.access_log_sample = 0.25;
  EXPECT_EQ(config->listeners, std::vector<ListenerConfig>{listener});
  HandlerConfig handler;
  handler.name = "pictures";
  handler.builtin = "file";
  handler.content_type = "image/png";
  handler.options["root"] = std::string("/srv");
  handler.deadline = absl::Milliseconds(1);
  EXPECT_EQ(config->handlers.back(), handler);
}

TEST_F(LoadConfigTest, KeepaliveIsTrueButForLength) {
  const Config config = *Load(
      "[[listener]]\naddress = ':1'\n"
      "[[listener]]\naddress = ':2'\nprotocol = 'length'\n"
      "[[listener]]\naddress = ':3'\nprotocol = 'length'\nkeepalive = true\n");
  EXPECT_TRUE(config.listeners[0].keepalive);
  EXPECT_FALSE(config.listeners[1].keepalive);
  EXPECT_TRUE(config.listeners[2].keepalive);
}

TEST_F(LoadConfigTest, HandlersReplaceDefaultsOfTheirNameAndAreAddedOtherwise) {
  const Config config = *Load(absl::StrCat(kListener,
                                           "[[handler]]\nname = 'mirror'\nbuiltin = 'echo'\n"
                                           "[[handler]]\nname = 'binary'\nbuiltin = 'burn'\n"));
  std::vector<std::string> handlers;
  for (const HandlerConfig& handler : config.handlers)
    handlers.push_back(absl::StrCat(handler.name, "=", handler.builtin));
  EXPECT_EQ(handlers,
            (Lines{"search=search", "binary=burn", "echo=echo", "burn=burn", "mirror=echo"}));
}

TEST_F(LoadConfigTest, HandlerOfALibraryHasOptionsOfAnyKind) {
  const absl::StatusOr<Config> config = Load(
      absl::StrCat(kListener,
                   "[[handler]]\nname = 'echo'\nlibrary = 'x'\nentry = 'y'\n"
                   "options = { s = 'a', i = 1, f = 1.0, b = true, l = ['p', 'q'], none = [] }\n"));
  ASSERT_EQ(config.status(), absl::OkStatus());
  const HandlerConfig& handler = config->handlers[2];
  EXPECT_EQ(handler.name, "echo");
  EXPECT_EQ(handler.builtin, "");
  EXPECT_EQ(handler.library, "x");
  EXPECT_EQ(handler.entry, "y");
  const std::map<std::string, OptionValue> options = {
      {"s", std::string("a")}, {"i", int64_t{1}}, {"f", 1.0}, {"b", true},
      {"l", Lines{"p", "q"}},  {"none", Lines{}}};
  EXPECT_EQ(handler.options, options);
}

TEST_F(LoadConfigTest, HandlerNamedLikeADefaultOneRunsItsCodeUnlessItSaysOtherwise) {
  const absl::StatusOr<Config> config =
      Load(absl::StrCat(kListener, "[[handler]]\nname = 'search'\ndeadline = '1s'\n"));
  ASSERT_EQ(config.status(), absl::OkStatus());
  EXPECT_EQ(config->handlers[0].builtin, "search");
  EXPECT_EQ(config->handlers[0].deadline, absl::Seconds(1));
}

TEST_F(LoadConfigTest, FileModeMayBeAnOctalNumber) {
  EXPECT_EQ(Load("[[listener]]\naddress = 'unix:/a'\nmode = 0o600\n")->listeners[0].mode, 0600);
}

TEST_F(LoadConfigTest, PortZeroMayBeThereTwice) {
  EXPECT_EQ(Errors("[[listener]]\naddress = ':0'\n[[listener]]\naddress = ':0'\n"), Lines{});
}

struct ErrorCase {
  std::string text;  // a listener on 127.0.0.1:1 comes after it when it has none
  Lines errors;
};

TEST_F(LoadConfigTest, ReportsEachErrorWithItsPosition) {
  const ErrorCase kCases[] = {
      // Syntax.
      {"[workers]\ncount = \n",
       {"F:2:9: Error while parsing key-value pair: expected value, saw '\\n'"}},
      {"[log]\nlevel='info'\nlevel='info'\n",
       {"F:3:7: Error while parsing key-value pair: cannot redefine existing string 'level'"}},
      // Unknown keys and tables.
      {"[worker]\ncount = 4\n",
       {"F:2:1: unknown key 'worker.count', did you mean 'workers.count'?"}},
      {"[workers]\n  cuont = 4\n",
       {"F:2:3: unknown key 'workers.cuont', did you mean 'workers.count'?"}},
      {"[workers]\nqueue = 4\n",
       {"F:2:1: unknown key 'workers.queue', did you mean 'pool.queue'?"}},
      {"count = 4\n", {"F:1:1: unknown key 'count', did you mean 'workers.count'?"}},
      {"[poool]\n", {"F:1:2: unknown key or table 'poool', did you mean 'pool'?"}},
      {"[log]\nxyzxyz = 4\n", {"F:2:1: unknown key 'log.xyzxyz'; keys there: level, format, file"}},
      {"[log.fast]\nlevel = 4\n",
       {"F:2:1: unknown key 'log.fast.level', did you mean 'log.level'?"}},
      {"[xyz]\nab = 1\n",
       {"F:2:1: unknown key 'xyz.ab'; tables: master, workers, pool, log, admin, listener, "
        "handler"}},
      {"[[listeners]]\naddress = ':9'\n",
       {"F:2:1: unknown key 'listeners.address', did you mean 'listener.address'?"}},
      {"[[listener]]\naddress = ':9'\nbaklog = 1\n",
       {"F:3:1: unknown key 'listener.baklog', did you mean 'listener.backlog'?"}},
      {"[[handler]]\nname='a'\nbuiltin='echo'\nbuilt=1\n",
       {"F:4:1: unknown key 'handler.built', did you mean 'handler.builtin'?"}},
      {"[a]\n\"x\\ny\" = 1\n",
       {"F:2:1: unknown key 'a.x?y'; tables: master, workers, pool, log, admin, listener, "
        "handler"}},
      // Shape.
      {"workers = 5\n", {"F:1:1: workers must be a table: write [workers]"}},
      {"[[workers]]\ncount = 5\n", {"F:1:3: workers must be a table: write [workers]"}},
      {"[handler]\nname = 'x'\n", {"F:1:2: handler must be an array of tables: write [[handler]]"}},
      {"handler = [1]\n", {"F:1:12: handler must be an array of tables: write [[handler]]"}},
      // Wrong type.
      {"[workers]\nmax = 'many'\n",
       {"F:2:7: workers.max must be an integer from 1 to 256, not \"many\""}},
      {"[workers]\nmax = 1.5\n", {"F:2:7: workers.max must be an integer from 1 to 256, not 1.5"}},
      {"[workers]\nmax = [1]\n",
       {"F:2:7: workers.max must be an integer from 1 to 256, not an array"}},
      {"[workers]\nmax = { a = 1 }\n",
       {"F:2:7: workers.max must be an integer from 1 to 256, not a table"}},
      {"[workers]\nmax = 2024-01-01\n",
       {"F:2:7: workers.max must be an integer from 1 to 256, not a date or time"}},
      {"[workers]\ncount = 'all'\n",
       {"F:2:9: workers.count must be \"auto\" or an integer from 1 to 256, not \"all\""}},
      {"[log]\nlevel = true\n",
       {"F:2:9: log.level must be one of \"debug\", \"info\", \"warning\", \"error\", not true"}},
      {"[master]\ndrain_timeout = 30\n",
       {"F:2:17: master.drain_timeout must be a duration with a unit (like \"30s\") from 0 to 24h, "
        "not 30"}},
      {"[workers]\nselector = 'epol'\n",
       {"F:2:12: workers.selector must be one of \"epoll\", \"poll\", not \"epol\", did you mean "
        "'epoll'?"}},
      {"[pool]\nsandbox_allow = ['openat', 'opensesame']\n",
       {"F:2:17: pool.sandbox_allow must be names of system calls, and \"opensesame\" is none"}},
      {"[[listener]]\naddress=':9'\nkeepalive = 1\n",
       {"F:3:13: listener.keepalive must be true or false, not 1"}},
      {"[[listener]]\naddress=':9'\nhandler = ''\n",
       {"F:3:11: listener.handler must be a string that is not empty, not \"\""}},
      {"[[listener]]\naddress='unix:/a'\nmode = 660\n",
       {"F:3:8: listener.mode must be permission bits in octal, like \"0660\", not 660"}},
      {"[[listener]]\naddress='unix:/a'\nmode = '0680'\n",
       {"F:3:8: listener.mode must be permission bits in octal, like \"0660\", not \"0680\""}},
      {"[[handler]]\nname='a'\nbuiltin='echo'\noptions=1\n",
       {"F:4:9: handler.options must be a table of options, not 1"}},
      // Out of range.
      {"[workers]\nmax = 5000\n",
       {"F:2:7: workers.max must be an integer from 1 to 256: 5000 is out of range"}},
      {"[workers]\nmax = 0\n",
       {"F:2:7: workers.max must be an integer from 1 to 256: 0 is out of range"}},
      {"[pool]\nprocesses = 0\n",
       {"F:2:13: pool.processes must be \"auto\" or an integer from 1 to 65536: 0 is out of "
        "range"}},
      {"[workers]\npayload_memory = '101%'\n",
       {"F:2:18: workers.payload_memory must be a share (\"1%\" to \"100%\") or a size (like "
        "\"1GiB\", at least 1MiB): "
        "\"101%\" is out of range"}},
      {"[[listener]]\naddress=':9'\nmax_header = '65KiB'\n",
       {"F:3:14: listener.max_header must be a size (like \"64KiB\") from 1 to 64KiB: \"65KiB\" is "
        "out of range"}},
      {"[[listener]]\naddress=':9'\nmax_header = -1\n",
       {"F:3:14: listener.max_header must be a size (like \"64KiB\") from 1 to 64KiB: \"-1\": a "
        "size cannot be negative"}},
      {"[[listener]]\naddress='unix:/a'\nmode = '1777'\n",
       {"F:3:8: listener.mode must be permission bits in octal, like \"0660\": \"1777\" is out of "
        "range"}},
      {"[[handler]]\nname='a'\nbuiltin='echo'\ndeadline = '0'\n",
       {"F:4:12: handler.deadline must be a duration with a unit (like \"30s\") from 1ms to 24h: "
        "\"0\" is out of range"}},
      {"[[handler]]\nname='a'\nbuiltin='echo'\ndeadline = '25h'\n",
       {"F:4:12: handler.deadline must be a duration with a unit (like \"30s\") from 1ms to 24h: "
        "\"25h\" is out of range"}},
      // When processes are replaced: never is said by leaving the key out.
      {"[workers]\nmax_age = '0'\n",
       {"F:2:11: workers.max_age must be a duration with a unit (like \"30s\") from 1s to 8760h: "
        "\"0\" is out of range"}},
      {"[pool]\nmax_age = 'never'\n",
       {"F:2:11: pool.max_age must be a duration with a unit (like \"30s\") from 1s to 8760h: "
        "\"never\" is not a duration: write a number with a unit, like \"500ms\", \"30s\", \"5m\" "
        "or \"1h30m\""}},
      {"[pool]\nmax_jobs = 0\n",
       {"F:2:12: pool.max_jobs must be an integer from 1 to 1000000000: 0 is out of range"}},
      {"[pool]\nmax_memory = 0\n",
       {"F:2:14: pool.max_memory must be a size (like \"64KiB\") from 1MiB to 1024TiB: 0 is out of "
        "range"}},
      // Paths.
      {"[master]\npid_file = 'w.pid'\n",
       {"F:2:12: master.pid_file must be an absolute path, not \"w.pid\""}},
      {"[master]\ncontrol = 'unix:/run/w.sock'\n",
       {"F:2:11: master.control must be an absolute path, not \"unix:/run/w.sock\""}},
      {absl::StrCat("[master]\ncontrol = '/", std::string(107, 'x'), "'\n"),
       {"F:2:11: master.control is 108 bytes long, and a unix socket can have at most 107"}},
      {"[log]\nfile = ''\n", {"F:2:8: log.file must be an absolute path, not \"\""}},
      {"[log]\nfile = \"/a\\u0000b\"\n",
       {"F:2:8: log.file must be an absolute path, not \"/a\\u0000b\""}},
      // Listeners.
      {"[[listener]]\nprotocol = 'line'\n", {"F:1:1: [[listener]] needs the key 'address'"}},
      {"[[listener]]\naddress = '127.0.0.1'\n",
       {"F:2:11: listener.address must be HOST:PORT, :PORT, unix:/PATH or systemd:NAME: address "
        "'127.0.0.1': "
        "needs a port, as in "
        "127.0.0.1:65432"}},
      {"[[listener]]\naddress = 'systemd:a:b'\n",
       {"F:2:11: listener.address must be HOST:PORT, :PORT, unix:/PATH or systemd:NAME: address "
        "'systemd:a:b': no ':' can be in the name of a socket (FileDescriptorName=)"}},
      {"[[listener]]\naddress = 'systemd:a'\n[[listener]]\naddress = 'systemd:a'\n",
       {"F:4:11: listener.address 'systemd:a' is taken by 'systemd:a' at F:2:11"}},
      {"[[listener]]\naddress = ':9'\nprotocol = 'lime'\n",
       {"F:3:12: listener.protocol must be one of \"message\", \"echo\", \"line\", \"length\", "
        "\"http\", not "
        "\"lime\", did you "
        "mean 'line'?"}},
      {"[[listener]]\naddress = ':9'\n[[listener]]\naddress = '127.0.0.1:9'\n",
       {"F:4:11: listener.address '127.0.0.1:9' is taken by ':9' at F:2:11"}},
      {"[[listener]]\naddress = ':9'\nhandler = 'eco'\n",
       {"F:3:11: listener.handler: no handler is named 'eco', did you mean 'echo'?"}},
      {"[[listener]]\naddress = ':9'\nprotocol = 'echo'\nhandler = 'echo'\n",
       {"F:4:11: listener.handler: protocol echo has no requests that a handler could get"}},
      {"[[listener]]\naddress = ':9'\nmode = '0660'\nowner = 'a'\ngroup = 'b'\n",
       {"F:3:8: listener.mode is for unix: addresses only",
        "F:4:9: listener.owner is for unix: addresses only",
        "F:5:9: listener.group is for unix: addresses only"}},
      // Handlers.
      {"[[handler]]\nbuiltin = 'echo'\n", {"F:1:1: [[handler]] needs the key 'name'"}},
      {"[[handler]]\nname = 'x'\n", {"F:1:1: [[handler]] needs the key 'builtin' or 'library'"}},
      {"[[handler]]\nname = 'x'\nbuiltin = 'serch'\n",
       {"F:3:11: handler.builtin must be one of \"search\", \"binary\", \"echo\", \"burn\", "
        "\"file\", \"append\", \"static\", not \"serch\", "
        "did you mean 'search'?"}},
      {"[[handler]]\nname = 'file'\n", {"F:1:1: [[handler]] needs the key 'builtin' or 'library'"}},
      {"[[handler]]\nname = 'x'\nbuiltin = 'echo'\nlibrary = '/x.so'\n",
       {"F:4:1: [[handler]] has 'builtin' already: 'library' is instead of it"}},
      {"[[handler]]\nname = 'x'\nbuiltin = 'echo'\nentry = 'y'\n",
       {"F:4:1: handler.entry needs handler.library beside it"}},
      {"[[handler]]\nname = 'x'\nlibrary = ''\n",
       {"F:3:11: handler.library must be the path or the name of a library, not \"\""}},
      {"[[handler]]\nname = 'x'\nlibrary = \"a\\u0000b\"\n",
       {"F:3:11: handler.library must be the path or the name of a library, not \"a\\u0000b\""}},
      {"[[handler]]\nname='x'\nlibrary='x'\noptions = { a = { b = 1 }, c = 1 }\n",
       {"F:4:17: handler.options.a must be a string, a number, true, false or an array of strings, "
        "not a table"}},
      {"[[handler]]\nname='x'\nlibrary='x'\n[handler.options]\nok = ['a']\nmix = ['a', 1]\n"
       "day = 2026-11-21\n",
       {"F:6:7: handler.options.mix may hold strings only, because it is an array",
        "F:7:7: handler.options.day must be a string, a number, true, false or an array of "
        "strings, "
        "not a date or time"}},
      {"[[handler]]\nname='x'\nbuiltin='echo'\n[[handler]]\nname='x'\nbuiltin='burn'\n",
       {"F:5:6: handler.name 'x' is there already, at F:2:6"}},
      {"[[handler]]\nname='x'\nbuiltin='echo'\ncontent_type='a/b'\n"
       "[[handler]]\nname='y'\nbuiltin='burn'\ncontent_type='a/b'\n",
       {"F:8:14: handler.content_type 'a/b' is there already, at F:4:14"}},
      {"[[handler]]\nname='x'\nbuiltin='file'\n",
       {"F:1:1: handler.options needs 'root' for builtin 'file': directory that holds the files"}},
      {"[[handler]]\nname='x'\nbuiltin='file'\n[handler.options]\nrot = '/srv'\n",
       {"F:4:1: handler.options needs 'root' for builtin 'file': directory that holds the files",
        "F:5:1: unknown option 'rot' of builtin 'file', did you mean 'root'?"}},
      {"[[handler]]\nname='x'\nbuiltin='echo'\noptions = { depth = 1 }\n",
       {"F:4:13: unknown option 'depth' of builtin 'echo'; it has none"}},
      {"[[handler]]\nname='x'\nbuiltin='search'\noptions = { table = 1 }\n",
       {"F:4:21: handler.options.table must be a string that is not empty, not 1"}},
      {"[[handler]]\nname='x'\nbuiltin='search'\noptions = { table = [] }\n",
       {"F:4:21: handler.options.table must be a string that is not empty, not an array"}},
      {"[[handler]]\nname='x'\nbuiltin='static'\noptions = { file = 'a.html' }\n",
       {"F:4:20: handler.options.file must be an absolute path, not \"a.html\""}},
      {"[[handler]]\nname='x'\nbuiltin='echo'\njson = 1\n",
       {"F:4:8: handler.json must be true or false, not 1"}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\nroutes = 'x'\n",
       {"F:4:10: listener.routes must be a table of paths and names of handlers, not \"x\""}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\nroutes = { x = 'echo' }\n",
       {"F:4:10: listener.routes must have paths that begin with a slash, not 'x'"}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\nroutes = { '/*/x' = 'echo' }\n",
       {"F:4:10: listener.routes can have a * only at the end of a path, unlike '/*/x'"}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\nroutes = { '/x' = 1 }\n",
       {"F:4:10: listener.routes must name a handler for '/x': it must be a string that is not "
        "empty, not 1"}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\nroutes = { '/x' = 'serch' }\n",
       {"F:4:10: listener.routes: no handler is named 'serch', did you mean 'search'?"}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\nroutes = { '/x?y' = 'echo' }\n",
       {"F:4:10: listener.routes can have no ? and no # in a path, unlike '/x?y'"}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\nroutes = { '/x#y' = 'echo' }\n",
       {"F:4:10: listener.routes can have no ? and no # in a path, unlike '/x#y'"}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\nroutes = { '/h/x*' = 'echo' }\n",
       {"F:4:10: listener.routes can have no pattern below /h/, where paths name handlers, unlike "
        "'/h/x*'"}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\n[listener.route]\n'/a' = 'echo'\n",
       {"F:4:11: unknown key 'listener.route', did you mean 'listener.routes'?"}},
      {"[[listener]]\naddress=':1'\nprotocol='http'\nroute = { '/a' = 'echo', '/b' = 'echo' }\n",
       {"F:4:1: unknown key 'listener.route', did you mean 'listener.routes'?"}},
      {"[[handler]]\nname='x'\nbuiltin='file'\noptions={root='/srv'}\n[handler.option]\nroot = "
       "'/a'\n",
       {"F:5:10: unknown key 'handler.option', did you mean 'handler.options'?"}},
      {"[[listener]]\naddress=':1'\nprotocol='line'\nroutes = { '/x' = 'search' }\n",
       {"F:4:10: listener.routes is for protocol http only"}},
      // Between keys.
      {"[master]\ngroup = 'www'\n", {"F:2:9: master.group needs master.user beside it"}},
      {"[workers]\nmax = 3\ncount = 4\n",
       {"F:3:9: workers.count (4) is more than workers.max (3)"}},
      {"[master]\nmax_processes = 8\n[workers]\ncount = 4\n[pool]\nprocesses = 5\n",
       {"F:6:13: workers.count (4) and pool.processes (5) together are more than "
        "master.max_processes (8)"}},
      {"[master]\nmax_processes = 8\n[workers]\ncount = 8\n",
       {"F:4:9: workers.count (8) and pool.processes (1) together are more than "
        "master.max_processes (8)"}},
  };
  for (const ErrorCase& error : kCases) {
    const bool has_listener = absl::StrContains(error.text, "[[listener]]");
    EXPECT_EQ(Errors(has_listener ? error.text : absl::StrCat(error.text, kListener)), error.errors)
        << error.text;
  }
}

TEST_F(LoadConfigTest, ReportsAllErrorsInTheOrderOfTheFileThenOfTheCommandLine) {
  sources_.sets = {"pool.queue=0", "nonsense"};
  EXPECT_EQ(
      Errors("[workers]\nmax = 0\nkount = 1\n[log]\nlevel = 1\n[[listener]]\naddress = 'x'\n"),
      (Lines{
          "F:2:7: workers.max must be an integer from 1 to 256: 0 is out of range",
          "F:3:1: unknown key 'workers.kount', did you mean 'workers.count'?",
          "F:5:9: log.level must be one of \"debug\", \"info\", \"warning\", \"error\", not 1",
          "F:7:11: listener.address must be HOST:PORT, :PORT, unix:/PATH or systemd:NAME: address "
          "'x': needs a "
          "port, as in "
          "127.0.0.1:65432",
          "--set pool.queue=0: pool.queue must be an integer from 1 to 1048576: 0 is out of range",
          "--set nonsense: must be TABLE.KEY=VALUE, as in workers.count=4"}));
}

TEST_F(LoadConfigTest, RefusesAFileWithoutListeners) {
  EXPECT_EQ(
      Errors("[workers]\ncount = 1\n"),
      Lines{"F: nothing to listen on: write a [[listener]], or use --listen=PROTOCOL://ADDRESS"});
}

TEST_F(LoadConfigTest, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(LoadConfig(sources_).status().message(),
            absl::StrCat(sources_.file, ": No such file or directory"));
  sources_.file = directory_;
  EXPECT_EQ(LoadConfig(sources_).status().message(), absl::StrCat(directory_, ": Is a directory"));
}

TEST_F(LoadConfigTest, RefusesAFileThatIsAbsurdlyLarge) {
  EXPECT_EQ(Load(std::string(2 << 20, '\n')).status().message(),
            absl::StrCat(sources_.file, ": longer than 1048576 bytes"));
}

TEST_F(LoadConfigTest, SetGoesOverTheFileAndALaterSetOverAnEarlier) {
  sources_.sets = {"workers.count=5", "workers.selector=poll", "workers.count = 6",
                   "log.level=\"error\""};
  const absl::StatusOr<Config> config =
      Load(absl::StrCat("[workers]\ncount = 4\nmax = 9\n", kListener));
  ASSERT_EQ(config.status(), absl::OkStatus());
  EXPECT_EQ(config->workers.count, (ProcessCount{false, 6}));
  EXPECT_EQ(config->workers.max, 9);
  EXPECT_EQ(config->workers.selector, SelectorKind::kPoll);
  EXPECT_EQ(config->log.level, "error");
}

TEST_F(LoadConfigTest, SetTakesBareWordsWithUnits) {
  sources_.sets = {"master.drain_timeout=45s", "master.startup_timeout=1m",
                   "workers.payload_memory=50%"};
  const absl::StatusOr<Config> config = Load(kListener);
  ASSERT_EQ(config.status(), absl::OkStatus());
  EXPECT_EQ(config->master.drain_timeout, absl::Seconds(45));
  EXPECT_EQ(config->master.startup_timeout, absl::Minutes(1));
  EXPECT_EQ(config->workers.payload_memory, (MemoryAmount{true, 50}));
  sources_.sets = {"master.drain_timeout=0"};
  EXPECT_EQ(Load(kListener)->master.drain_timeout, absl::ZeroDuration());
}

TEST_F(LoadConfigTest, ReportsEachCommandLineErrorWithItsFlag) {
  const std::pair<const char*, const char*> kCases[] = {
      {"workers.count=x",
       "--set workers.count=x: workers.count must be \"auto\" or an integer from 1 to 256, not "
       "\"x\""},
      {"worker.count=4",
       "--set worker.count=4: unknown key 'worker.count', did you mean 'workers.count'?"},
      {"count=4", "--set count=4: unknown key 'count', did you mean 'workers.count'?"},
      {"workers=4", "--set workers=4: must be TABLE.KEY=VALUE, as in workers.count=4"},
      {"=4", "--set =4: must be TABLE.KEY=VALUE, as in workers.count=4"},
      {"listener.backlog=4",
       "--set listener.backlog=4: 'listener.backlog' is one of several: set it in a file"},
      {"workers.count=2\nmax=3",
       "--set workers.count=2?max=3: workers.count must be \"auto\" or an integer from 1 to 256, "
       "not \"2\\u000Amax=3\""},
      {"workers.max=[1]",
       "--set workers.max=[1]: workers.max must be an integer from 1 to 256, not an array"},
      {"workers.count=65",
       "--set workers.count=65: workers.count (65) is more than workers.max (64)"},
  };
  for (const auto& [set, message] : kCases) {
    sources_.sets = {set};
    EXPECT_EQ(ErrorsWithoutFile(), Lines{message});
  }
}

TEST_F(LoadConfigTest, WorkersAndPoolGoOverSet) {
  sources_.sets = {"workers.count=5", "pool.processes=5"};
  sources_.workers = "auto";
  sources_.pool = "3";
  const absl::StatusOr<Config> config = Load(kListener);
  ASSERT_EQ(config.status(), absl::OkStatus());
  EXPECT_EQ(config->workers.count, ProcessCount{});
  EXPECT_EQ(config->pools[0].processes, (ProcessCount{false, 3}));
}

TEST_F(LoadConfigTest, ReportsWorkersAndPoolByTheirFlags) {
  sources_.workers = "0";
  sources_.pool = "many";
  EXPECT_EQ(ErrorsWithoutFile(), (Lines{"--workers 0: workers.count must be \"auto\" or an integer "
                                        "from 1 to 256: 0 is out of range",
                                        "--pool many: pool.processes must be \"auto\" or an "
                                        "integer from 1 to 65536, not \"many\""}));
}

TEST_F(LoadConfigTest, ListenReplacesTheListenersOfTheFile) {
  sources_.listens = {"line://:7000", "length://unix:/run/x.sock"};
  const absl::StatusOr<Config> config =
      Load("[[listener]]\naddress = ':1'\n[[listener]]\naddress = ':2'\n");
  ASSERT_EQ(config.status(), absl::OkStatus());
  ASSERT_EQ(config->listeners.size(), 2u);
  EXPECT_EQ(config->listeners[0].protocol, Protocol::kLine);
  EXPECT_EQ(config->listeners[0].address.text, ":7000");
  EXPECT_EQ(config->listeners[1].protocol, Protocol::kLength);
  EXPECT_EQ(config->listeners[1].address.path, "/run/x.sock");
  EXPECT_FALSE(config->listeners[1].keepalive);
}

TEST_F(LoadConfigTest, ListenStandsInForAMissingListener) {
  sources_.listens = {"echo://127.0.0.1:0"};
  EXPECT_EQ(Errors("[workers]\ncount = 1\n"), Lines{});
}

TEST_F(LoadConfigTest, ReportsEachListenErrorWithItsFlag) {
  sources_.listens = {"127.0.0.1:1",     "lime://127.0.0.1:1", "line://127.0.0.1",
                      "line://systemd:", "line://:5",          "echo://:5"};
  EXPECT_EQ(
      ErrorsWithoutFile(),
      (Lines{"--listen 127.0.0.1:1: must be PROTOCOL://ADDRESS, as in message://127.0.0.1:65432",
             "--listen lime://127.0.0.1:1: unknown protocol 'lime' (there are message, echo, line, "
             "length, http), did "
             "you mean 'line'?",
             "--listen line://127.0.0.1: address must be HOST:PORT, :PORT, unix:/PATH or "
             "systemd:NAME: address "
             "'127.0.0.1': "
             "needs a port, as in 127.0.0.1:65432",
             "--listen line://systemd:: address must be HOST:PORT, :PORT, unix:/PATH or "
             "systemd:NAME: address 'systemd:': needs a name, as in systemd:web",
             "--listen echo://:5: listener.address ':5' is taken by ':5' at --listen line://:5"}));
}

TEST_F(LoadConfigTest, AdminPagesAreAtADefaultAddressUnlessOneIsWritten) {
  const Config usual = *Load(kListener);
  EXPECT_EQ(usual.admin.address.text, "127.0.0.1:9465");
  EXPECT_EQ(usual.admin.address, *ParseListenAddress("127.0.0.1:9465"));
  EXPECT_FALSE(usual.admin.address_is_written);
  const std::string admin = absl::StrCat(kListener, "[admin]\naddress = ");
  EXPECT_TRUE(Load(admin + "\"127.0.0.1:9465\"")->admin.address_is_written);
  EXPECT_EQ(Load(admin + "\"unix:/run/a.sock\"")->admin.address.path, "/run/a.sock");
  EXPECT_EQ(Load(admin + "\"\"")->admin.address.text, "");
  EXPECT_EQ(Load(admin + "\"\"\nhosts = [\"a\", \"b\"]")->admin.hosts, Lines({"a", "b"}));
  sources_.sets = {"admin.address="};
  EXPECT_EQ(Load(admin + "\":1\"")->admin.address.text, "");
}

TEST_F(LoadConfigTest, ConnectionsAreLimitedByAddressesOfTheNetwork) {
  const std::string limit = "max_connections_per_address = 11\n";
  const absl::StatusOr<Config> config = Load("[[listener]]\naddress = \":1\"\n" + limit);
  ASSERT_EQ(config.status(), absl::OkStatus());
  EXPECT_EQ(config->listeners[0].max_connections_per_address, 11);
  const std::string in_unix = "[[listener]]\naddress = \"unix:/run/x.sock\"\n" + limit;
  EXPECT_TRUE(absl::StrContains(Load(in_unix).status().message(),
                                "is for clients of the network: a unix: address needs "
                                "listener.proxy_protocol beside it"));
  EXPECT_EQ(Load(in_unix + "proxy_protocol = true\nallow = [\"uid:0\"]\n").status(),
            absl::OkStatus());
}

TEST_F(LoadConfigTest, ReportsErrorsOfAdmin) {
  const std::string admin = absl::StrCat(kListener, "[admin]\n");
  EXPECT_EQ(Errors(admin + "address = \"127.0.0.1:1\""),
            Lines({"F:4:11: admin.address '127.0.0.1:1' is taken by '127.0.0.1:1' at F:2:11"}));
  EXPECT_THAT(Errors(admin + "address = 9465"),
              testing::ElementsAre(testing::StartsWith("F:4:11: admin.address must be HOST:PORT")));
  EXPECT_THAT(Errors(admin + "hosts = \"a\""),
              testing::ElementsAre(testing::StartsWith("F:4:9: admin.hosts must be an array")));
  EXPECT_EQ(Errors(admin + "adress = \":1\""),
            Lines({"F:4:1: unknown key 'admin.adress', did you mean 'admin.address'?"}));
}

// A server with a listener there has meant it so.
TEST_F(LoadConfigTest, ListenerMayHaveTheDefaultAddressOfAdmin) {
  EXPECT_TRUE(Load("[[listener]]\naddress = \"127.0.0.1:9465\"\n").ok());
}

TEST_F(LoadConfigTest, RouteThatTakesThePathOfAnotherHandlerIsDoubtful) {
  const absl::StatusOr<Config> config = Load(
      "[[listener]]\naddress = ':1'\nprotocol = 'http'\n"
      "routes = { '/h/burn' = 'echo', '/h/echo' = 'echo', '/h/new' = 'echo', '/x' = 'burn' }\n");
  ASSERT_EQ(config.status(), absl::OkStatus());
  EXPECT_EQ(DoubtfulSettings(*config),
            Lines({"listener.routes: '/h/burn' is handler 'echo' at :1, not handler 'burn'"}));
}

TEST(ConfigKeys, EveryLogLevelIsOneThatTheLogKnows) {
  const Key<Config>* key = FindConfigTable("log")->Find("level");
  for (const char* level : {"debug", "info", "warning", "error"}) {
    TomlNode node;
    node.scalar = std::string(level);
    Config config;
    EXPECT_EQ(key->set(node, &config), absl::OkStatus());
    LogLevel parsed;
    EXPECT_TRUE(ParseLogLevel(config.log.level, &parsed)) << level;
  }
}

TEST(ConfigKeys, AFailedSetLeavesTheSectionAsItWas) {
  TomlNode node;
  node.scalar = int64_t{-1};
  for (const KeyTable<Config>& table : ConfigTables()) {
    for (const Key<Config>& key : table.keys) {
      Config config;
      EXPECT_FALSE(key.set(node, &config).ok()) << key.name;
      EXPECT_EQ(config, Config{}) << key.name;
    }
  }
}

TEST(BuiltinHandlers, DefaultsAreThoseThatNeedNoOptions) {
  for (const HandlerConfig& handler : DefaultHandlers()) {
    const Builtin* builtin = FindBuiltin(handler.builtin);
    ASSERT_NE(builtin, nullptr);
    for (const BuiltinOption& option : builtin->options)
      EXPECT_FALSE(option.required) << option.name;
  }
}

}  // namespace
}  // namespace windlass
