#include "master/generation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/config_keys.h"
#include "common/config_print.h"
#include "common/cpu_count.h"
#include "common/job_channel.h"
#include "common/log.h"
#include "common/pools.h"
#include "common/units.h"

namespace windlass {

Sizing SizeUp(const Config& config) {
  Sizing sizing;
  const CpuCount cpus = CountUsableCpus();
  const auto count = [&cpus](const ProcessCount& wanted, int most, absl::string_view what) {
    if (!wanted.automatic) return wanted.count;
    const int usable = std::clamp(cpus.count, 1, most);
    LOG(INFO) << what << " = auto = " << usable << " (usable CPUs " << cpus.derivation << ")";
    return usable;
  };
  sizing.workers = count(config.workers.count, config.workers.max, "workers.count");
  sizing.pools.clear();
  int left = config.master.max_processes - sizing.workers;
  for (size_t i = 0; i < config.pools.size(); ++i) {
    const PoolConfig& pool = config.pools[i];
    // One for each of those that come after it.
    const int most = std::max(1, left - static_cast<int>(config.pools.size() - 1 - i));
    const std::string key =
        i == 0 ? "pool.processes" : absl::StrCat("pool.", pool.name, ".processes");
    int processes = count(pool.processes, most, key);
    if (pool.max > 0) processes = std::clamp(processes, std::max(1, pool.min), pool.max);
    left -= std::max(processes, pool.max);
    sizing.pools.push_back(processes);
  }
  const MemoryAmount& memory = config.workers.payload_memory;
  sizing.payload_budget_bytes = memory.value;
  if (memory.is_percent) {
    const UsableMemory usable = UsableMemoryBytes();
    sizing.payload_budget_bytes = usable.bytes / 100 * memory.value;
    LOG(INFO) << "workers.payload_memory = " << memory.value
              << "% = " << (sizing.payload_budget_bytes >> 20) << " MiB (usable memory "
              << usable.derivation << ")";
  }
  return sizing;
}

std::vector<ListenerConfig> AdminListeners(const Config& config) {
  if (config.admin.address.text.empty()) return {};
  return {AdminListener(config.admin)};
}

uint32_t WorkerSlotsFor(const Config& config) {
  const int most = config.workers.max;
  return static_cast<uint32_t>(most + std::max(1, most / 10));
}

namespace {

// Where nobody wrote the address, the server does without it: a second one on a machine would not
// start otherwise.
absl::StatusOr<ListenerSet> BindAdmin(const Config& config, const ListenerSet* former,
                                      const PassedSockets& passed) {
  absl::StatusOr<ListenerSet> bound = ListenerSet::Bind(AdminListeners(config), former, passed);
  if (bound.ok()) return bound;
  if (config.admin.address_is_written) {
    return absl::Status(bound.status().code(),
                        absl::StrCat("admin.address: ", bound.status().message(),
                                     " (admin.address = \"\" turns the pages off)"));
  }
  LOG(WARNING) << "no admin pages: " << bound.status().message()
               << " (the default; admin.address sets another, \"\" turns them off)";
  return ListenerSet::Bind({}, nullptr, passed);
}

absl::StatusOr<PoolLink> MakeLink(uint32_t worker_slots) {
  PoolLink link;
  absl::StatusOr<PacketPair> queue = SeqPacketPair(kChannelBufferBytes);
  if (!queue.ok()) return queue.status();
  link.job_queue = *std::move(queue);
  for (uint32_t slot = 0; slot < worker_slots; ++slot) {
    absl::StatusOr<PacketPair> replies = SeqPacketPair(kChannelBufferBytes);
    if (!replies.ok()) return replies.status();
    link.replies.push_back(*std::move(replies));
  }
  return link;
}

}  // namespace

absl::StatusOr<Generation> Generation::Create(uint32_t number, Config config, GenerationPlace place,
                                              const Generation* former,
                                              const PassedSockets& passed) {
  absl::StatusOr<ListenerSet> listeners = ListenerSet::Bind(
      config.listeners, former == nullptr ? nullptr : &former->listeners_, passed);
  if (!listeners.ok()) return listeners.status();
  absl::StatusOr<ListenerSet> admin =
      BindAdmin(config, former == nullptr ? nullptr : &former->admin_listeners_, passed);
  if (!admin.ok()) return admin.status();
  Generation generation(*std::move(listeners), *std::move(admin));
  generation.number_ = number;
  generation.place_ = place;
  generation.born_ = MonotonicNow();
  generation.config_ = std::make_unique<Config>(std::move(config));
  generation.config_hash_ = ConfigHash(*generation.config_);
  generation.sizing_ = generation.configured_ = SizeUp(*generation.config_);
  absl::StatusOr<AccessLogFiles> access_logs = AccessLogFiles::Open(*generation.config_);
  if (!access_logs.ok()) return access_logs.status();
  generation.access_logs_ = *std::move(access_logs);
  for (size_t pool = 0; pool < generation.config_->pools.size(); ++pool) {
    absl::StatusOr<PoolLink> link = MakeLink(WorkerSlotsFor(*generation.config_));
    if (!link.ok()) return link.status();
    generation.pools_.push_back(*std::move(link));
  }
  return generation;
}

void Generation::Override(const SizingOverride& wanted) {
  if (wanted.workers) sizing_.workers = std::clamp(*wanted.workers, 1, config_->workers.max);
  for (const auto& [name, processes] : wanted.pools) {
    const uint32_t pool = PoolNamed(*config_, name);
    if (pool >= sizing_.pools.size()) continue;
    const PoolConfig& config = config_->pools[pool];
    sizing_.pools[pool] = config.max > 0
                              ? std::clamp(processes, std::max(1, config.min), config.max)
                              : std::max(1, processes);
  }
}

}  // namespace windlass
