#include "common/cpu_affinity.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "common/log.h"

namespace windlass {
namespace {

using CpuSet = std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)>;

CpuSet MakeCpuSet(int cpus) {
  return CpuSet(CPU_ALLOC(static_cast<size_t>(cpus)), [](cpu_set_t* set) { CPU_FREE(set); });
}

}  // namespace

std::vector<int> AllowedCpus() {
  // The kernel says EINVAL while the mask is smaller than its own; 1 << 20 CPUs is past any
  // machine.
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    const CpuSet mask = MakeCpuSet(cpus);
    const size_t size = CPU_ALLOC_SIZE(static_cast<size_t>(cpus));
    if (mask == nullptr) break;
    if (sched_getaffinity(0, size, mask.get()) == 0) {
      std::vector<int> allowed;
      for (int cpu = 0; cpu < cpus; ++cpu) {
        if (CPU_ISSET_S(static_cast<size_t>(cpu), size, mask.get())) allowed.push_back(cpu);
      }
      return allowed;
    }
    if (errno != EINVAL) break;
  }
  return {};
}

absl::Status RunOnCpus(absl::Span<const int> cpus) {
  if (cpus.empty()) return absl::InvalidArgumentError("no CPU to run on");
  const int end = *std::max_element(cpus.begin(), cpus.end()) + 1;
  const CpuSet mask = MakeCpuSet(end);
  const size_t size = CPU_ALLOC_SIZE(static_cast<size_t>(end));
  if (mask == nullptr) return absl::ResourceExhaustedError("no memory for a set of CPUs");
  CPU_ZERO_S(size, mask.get());
  for (const int cpu : cpus) CPU_SET_S(static_cast<size_t>(cpu), size, mask.get());
  if (sched_setaffinity(0, size, mask.get()) != 0)
    return absl::ErrnoToStatus(errno, "sched_setaffinity");
  return absl::OkStatus();
}

std::vector<int> ShareOfCpus(absl::Span<const int> cpus, size_t index, size_t sharers) {
  CHECK(index < sharers);
  if (sharers > cpus.size()) return {cpus.begin(), cpus.end()};
  std::vector<int> share;
  for (size_t i = index; i < cpus.size(); i += sharers) share.push_back(cpus[i]);
  return share;
}

}  // namespace windlass
