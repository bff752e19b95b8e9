#ifndef WINDLASS_COMMON_CPU_COUNT_H_
#define WINDLASS_COMMON_CPU_COUNT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

// How much of the machine this process may use: what "auto" and "25%" mean. Every answer says how
// it was found. `root` is where /proc and /sys are looked for; tests give a fake tree. Files that
// are missing limit nothing. Blocking: reads of /proc and /sys.

namespace windlass {

struct CpuCount {
  int count = 1;           // at least 1
  std::string derivation;  // "2: affinity 2, no cgroup quota", "1: affinity 8, cgroup quota 0.50
                           // (/sys/.../cpu.max)"
};
// The smaller of the CPUs in this process's affinity mask and its cgroup CPU quota (v1 or v2, the
// tightest from its own cgroup up to the root), rounded up.
CpuCount CountUsableCpus(absl::string_view root = "/");

struct UsableMemory {
  uint64_t bytes = 0;      // at least 1
  std::string derivation;  // "512MiB: MemTotal 8GiB, cgroup limit 512MiB (/sys/.../memory.max)"
};
// The smaller of MemTotal and the cgroup memory limit (v1 or v2, the tightest up to the root).
UsableMemory UsableMemoryBytes(absl::string_view root = "/");

// The arithmetic of CountUsableCpus.
struct CpuQuota {
  double cpus = 0;
  std::string path;  // the file that says so
};
CpuCount CombineCpuLimits(int affinity, const std::optional<CpuQuota>& quota);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CPU_COUNT_H_
