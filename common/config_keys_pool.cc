// The keys of [pool] and [pool.NAME].
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/config_key_makers.h"
#include "common/syscall_names.h"

namespace windlass {
namespace {

const NamedValues<SandboxLevel>& SandboxLevels() {
  static const auto& levels = *new NamedValues<SandboxLevel>{{"strict", SandboxLevel::kStrict},
                                                             {"basic", SandboxLevel::kBasic},
                                                             {"off", SandboxLevel::kOff}};
  return levels;
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

std::vector<Key<PoolConfig>> MakePoolKeys() {
  using P = PoolConfig;
  return {
      MakeKey("processes", &P::processes, ProcessCountCodec(1, kMaxProcesses),
              "How many processes, or with max how many at first; auto: as many as usable CPUs."),
      MakeKey("min", &P::min, OptionalCodec(IntegerCodec(1, kMaxProcesses), 0),
              "The least that there are while the number follows the load; 1 when not "
              "set."),
      MakeKey("max", &P::max, OptionalCodec(IntegerCodec(1, kMaxProcesses), 0),
              "The most that there are while the number follows the load; when not set, "
              "it does not."),
      MakeKey("grow_after", &P::grow_after, DurationCodec(kShortest, kLongest),
              "How long a job may wait until there are more processes, up to max."),
      MakeKey("shrink_after", &P::shrink_after, DurationCodec(kShortest, kLongest),
              "How long processes may have nothing to do until there are fewer, down to "
              "min."),
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
      MakeKey("sandbox", &P::sandbox, OneOfCodec(SandboxLevels()),
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
      MakeKey("limit_nofile", &P::limit_nofile, OptionalCodec(IntegerCodec(128, 1 << 20), 0),
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
  };
}

}  // namespace

absl::string_view SandboxLevelName(SandboxLevel level) {
  for (const auto& [name, candidate] : SandboxLevels()) {
    if (candidate == level) return name;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

const KeyTable<PoolConfig>& PoolKeys() {
  static const auto& keys = *new KeyTable<PoolConfig>{
      "pool", "Processes that run handlers. [pool.NAME] is one more pool, with the same keys.",
      MakePoolKeys()};
  return keys;
}

}  // namespace windlass
