#ifndef WINDLASS_MASTER_GENERATION_H_
#define WINDLASS_MASTER_GENERATION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/config.h"
#include "common/posix.h"
#include "master/access_log_files.h"
#include "master/listeners.h"
#include "proto/upgrade.pb.h"

namespace windlass {

// How many processes a configuration comes to on this machine.
struct Sizing {
  int workers = 1;
  std::vector<int> pools = {1};  // by Config::pools
  int pool_processes() const { return std::accumulate(pools.begin(), pools.end(), 0); }
  uint64_t payload_budget_bytes = 0;
};

// How many processes an operator wants, over the configuration.
struct SizingOverride {
  std::optional<int> workers;
  std::map<std::string, int> pools;  // by name
};

// What joins the workers of a generation and one pool.
struct PoolLink {
  PacketPair job_queue;
  std::vector<PacketPair> replies;  // by worker slot, from first_worker
};

// Where a generation is in the scoreboard.
struct GenerationPlace {
  uint32_t bay = 0;
  uint32_t first_worker = 0;  // slot
};

// What the admin process of a configuration listens on: one, or nothing.
std::vector<ListenerConfig> AdminListeners(const Config& config);

// How many worker slots a configuration needs: workers.max and, for successors that start before
// those they replace have ended, a tenth of it, at least one.
uint32_t WorkerSlotsFor(const Config& config);

// Counts usable CPUs and memory where the configuration says "auto" or a percentage, and logs how.
Sizing SizeUp(const Config& config);

// Role: one configuration and what its processes are joined by: listeners (those of the admin
// process by themselves, which no worker gets), and for each pool a job queue and a reply channel
// for each of the worker slots (so that pool processes can answer workers that are added later).
// Master; owns all of it, and keeps both ends of every channel, so that a replaced
// process inherits its slot's. Everything that can fail happens in Create, before any process is
// touched.
class Generation {
 public:
  // `former`: what is served now, whose listening sockets are kept; null: nothing.
  static absl::StatusOr<Generation> Create(uint32_t number, Config config, GenerationPlace place,
                                           const Generation* former, const PassedSockets& passed);

  // One of a former binary, with its channels. Errors: its configuration is not understood.
  static absl::StatusOr<Generation> Adopt(const proto::UpgradeState::Generation& state,
                                          bool can_repair);
  void Describe(proto::UpgradeState::Generation* state) const;
  void Override(const SizingOverride& wanted);

  uint32_t number() const { return number_; }
  const Config& config() const { return *config_; }
  const std::string& config_hash() const { return config_hash_; }
  const Sizing& sizing() const { return sizing_; }
  const Sizing& configured() const { return configured_; }  // without Override
  ListenerSet& listeners() { return listeners_; }
  const ListenerSet& listeners() const { return listeners_; }
  ListenerSet& admin_listeners() { return admin_listeners_; }  // empty: none is wanted, or possible
  const ListenerSet& admin_listeners() const { return admin_listeners_; }
  const std::vector<PoolLink>& pools() const { return pools_; }  // by Config::pools
  const GenerationPlace& place() const { return place_; }
  uint32_t worker_slots() const { return static_cast<uint32_t>(pools_[0].replies.size()); }
  Instant born() const { return born_; }
  AccessLogFiles& access_logs() { return access_logs_; }
  const AccessLogFiles& access_logs() const { return access_logs_; }
  // False: a former binary's, whose processes do not understand ours. Its dead are not replaced.
  bool can_repair() const { return can_repair_; }

 private:
  Generation(ListenerSet listeners, ListenerSet admin)
      : listeners_(std::move(listeners)), admin_listeners_(std::move(admin)) {}

  uint32_t number_ = 0;
  GenerationPlace place_;
  Instant born_;
  bool can_repair_ = true;
  std::unique_ptr<Config> config_;  // children point at it
  std::string config_hash_;
  Sizing sizing_, configured_;
  ListenerSet listeners_, admin_listeners_;
  std::vector<PoolLink> pools_;
  AccessLogFiles access_logs_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_GENERATION_H_
