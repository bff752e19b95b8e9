#ifndef WINDLASS_COMMON_CONFIG_H_
#define WINDLASS_COMMON_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

// The effective configuration: plain values, validated, with nothing left to resolve but host names
// and "auto" counts. Read once by the master and inherited by every child of a generation.
// config_load.h makes one, config_print.h shows one.

namespace windlass {

enum class Protocol : uint8_t { kMessage, kEcho, kLine, kLength, kHttp };
enum class HalfClose : uint8_t { kAnswer, kCancel };
enum class SelectorKind : uint8_t { kEpoll, kPoll };
enum class SandboxLevel : uint8_t { kStrict, kBasic, kOff };
enum class CpuAffinity : uint8_t { kAuto, kNone };

// A number of processes, or "auto": as many as usable CPUs (common/cpu_count.h).
struct ProcessCount {
  bool automatic = true;
  int count = 0;  // meaningful when !automatic

  friend bool operator==(const ProcessCount&, const ProcessCount&) = default;
};

// A size in bytes, or a share of the memory this process may use ("25%").
struct MemoryAmount {
  bool is_percent = true;
  uint64_t value = 25;  // percent, or bytes

  friend bool operator==(const MemoryAmount&, const MemoryAmount&) = default;
};

// Where a listener listens, as written. Host names are resolved when binding (common/address.h).
struct ListenAddress {
  enum class Kind : uint8_t { kTcp, kUnix, kSystemd };
  Kind kind = Kind::kTcp;
  std::string host;   // kTcp; "" means every interface, IPv4 and IPv6
  uint16_t port = 0;  // kTcp; 0 lets the kernel pick
  std::string path;   // kUnix: the path; kSystemd: the name of the file descriptor
  std::string text;   // as it was written, for messages

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

struct MasterConfig {
  absl::Duration drain_timeout = absl::Seconds(30);
  absl::Duration startup_timeout = absl::Seconds(60);
  int max_processes = 1024;
  int max_generations = 3;  // that may exist at once; one more reload waits
  std::string user, group;  // what children become; "" = not set. Looked up at start
  std::string pid_file;     // absolute path; "" = none
  std::string control;      // absolute path of the control socket; "" = the default one

  friend bool operator==(const MasterConfig&, const MasterConfig&) = default;
};

struct WorkersConfig {
  ProcessCount count;
  int max = 64;
  int max_connections = 16384;  // per worker
  MemoryAmount payload_memory;  // all payloads in flight, whole server
  SelectorKind selector = SelectorKind::kEpoll;
  CpuAffinity cpu_affinity = CpuAffinity::kAuto;  // kAuto: no two workers share a CPU, if they can
  absl::Duration max_age = absl::InfiniteDuration();  // then it is replaced; infinite = never

  friend bool operator==(const WorkersConfig&, const WorkersConfig&) = default;
};

// The most pools that a configuration may have, with the default one.
constexpr uint32_t kMaxPools = 8;
constexpr char kDefaultPool[] = "default";

struct PoolConfig {
  std::string name = kDefaultPool;  // of [pool.NAME]
  ProcessCount processes;           // with `max`: at first
  // The number follows the load (master/pool_scaler.h).
  int min = 0, max = 0;  // 0 = not set; without max it does not
  absl::Duration grow_after = absl::Milliseconds(20), shrink_after = absl::Seconds(30);
  int queue = 1024;  // jobs that may wait in all workers together
  bool prefetch_auto = true;
  // Jobs kept in the kernel queue beyond one per process; meaningful when !prefetch_auto.
  int prefetch = 0;
  // When a process is replaced by a fresh one; never during a job.
  int max_jobs = 0;                                   // 0 = never
  absl::Duration max_age = absl::InfiniteDuration();  // infinite = never
  uint64_t max_memory = 0;                            // bytes resident; 0 = never
  // How long a payload is refused that has crashed two processes; 0 = never.
  absl::Duration quarantine_ttl = absl::Minutes(10);
  // What its processes may ask of the kernel (worker/pool/sandbox.h).
  SandboxLevel sandbox = SandboxLevel::kBasic;
  std::vector<std::string> sandbox_allow;  // names of system calls
  bool sandbox_log_only = false;           // what is forbidden is logged, and done
  // What each may have (worker/pool/process_limits.h).
  uint64_t memory_limit = 0;  // bytes beyond what its handlers have loaded; 0 = no limit
  int limit_nofile = 0;       // descriptors; 0 = as the server's
  uint64_t limit_fsize = 0;   // bytes of a file that it writes; 0 = as the server's
  int limit_nproc = -1;       // processes and threads of its user; -1 = as the server's
  uint64_t limit_core = 0;    // bytes of a core dump
  int nice = 0;
  int oom_score_adj = 500;  // how readily the kernel kills it for memory: 0 to 1000

  friend bool operator==(const PoolConfig&, const PoolConfig&) = default;
};

struct ListenerConfig {
  ListenAddress address;
  Protocol protocol = Protocol::kMessage;
  std::string handler;  // "" = the protocol's default
  std::map<std::string, std::string>
      routes;  // http: paths, or patterns that end with *, to handlers
  bool keepalive = true;
  int backlog = 4096;
  int mode = -1;                        // unix: permission bits, -1 = by umask
  std::string owner, group;             // unix: "" = leave
  std::vector<std::string> allow;       // who may connect (common/peer_filter.h); empty = everybody
  bool proxy_protocol = false;          // each connection begins by saying who its client is
  int max_connections_per_address = 0;  // in all workers; 0 = no limit
  uint64_t max_header = 64 << 10;
  uint64_t max_content = 64 << 20;
  uint64_t max_line = 64 << 10;
  int max_in_flight = 128;
  absl::Duration frame_timeout = absl::Seconds(30);
  absl::Duration idle_timeout = absl::Minutes(5);
  absl::Duration write_timeout = absl::Seconds(30);
  HalfClose half_close = HalfClose::kAnswer;
  std::string access_log;        // absolute path; "" = none
  double access_log_sample = 1;  // share of the requests that it has

  friend bool operator==(const ListenerConfig&, const ListenerConfig&) = default;
};

using OptionValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

// When a running job counts as slow.
struct SlowAfter {
  bool is_percent = true;
  int percent = 50;  // of the time that it has, from its start to its deadline
  absl::Duration duration = absl::InfiniteDuration();  // when !is_percent; infinite: never

  friend bool operator==(const SlowAfter&, const SlowAfter&) = default;
};

struct HandlerConfig {
  std::string name;  // what requests call it: action or header `handler`
  // Whose code runs: one of these two is set.
  std::string builtin;       // which built-in: search, binary, echo, burn, file
  std::string library;       // which plug-in: a path, or a name (worker/handlers/plugin.h)
  std::string entry;         // which handler of the library; "" = the one of its name, or the only
                             // one
  std::string content_type;  // "" = none; else requests of exactly this type come here when nothing
                             // else names a handler
  std::map<std::string, OptionValue> options;
  absl::Duration deadline = absl::Seconds(30);  // infinite: none
  SlowAfter slow_after;
  bool idempotent = true;     // running a job again after a crash does no harm
  bool json = false;          // takes JSON only: http clients need not say that it is
  uint64_t memory_limit = 0;  // as the pool's, less; 0 = the pool's
  std::string pool;           // whose processes run it; "" = the default one (common/pools.h)

  friend bool operator==(const HandlerConfig&, const HandlerConfig&) = default;
};

struct LogConfig {
  std::string level = "info";   // debug, info, warning, error
  std::string format = "text";  // text, json
  std::string file;             // absolute path; "" = standard error

  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

// Where the pages for operators are served: metrics, health, status (worker/admin/pages.h).
struct AdminConfig {
  // No text: nowhere.
  ListenAddress address = {ListenAddress::Kind::kTcp, "127.0.0.1", 9465, "", "127.0.0.1:9465"};
  // Somebody wants exactly this address: that it cannot be had is an error. No part of the value.
  bool address_is_written = false;
  std::vector<std::string> hosts;  // names that browsers may call it by, beside those of `address`

  friend bool operator==(const AdminConfig& a, const AdminConfig& b) {
    return a.address == b.address && a.hosts == b.hosts;
  }
};

struct Config {
  std::string source;  // file name, or "(built-in default)"
  MasterConfig master;
  WorkersConfig workers;
  std::vector<PoolConfig> pools = std::vector<PoolConfig>(1);  // [pool] is the first
  std::vector<ListenerConfig> listeners;
  std::vector<HandlerConfig> handlers;
  LogConfig log;
  AdminConfig admin;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_H_
