#ifndef WINDLASS_MASTER_GENERATION_H_
#define WINDLASS_MASTER_GENERATION_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config.h"
#include "common/posix.h"
#include "master/listeners.h"

namespace windlass {

// How many processes a configuration comes to on this machine.
struct Sizing {
  int workers = 1;
  int pool = 1;
  uint64_t payload_budget_bytes = 0;
};

// Counts usable CPUs and memory where the configuration says "auto" or a percentage, and logs how.
Sizing SizeUp(const Config& config);

// Role: one configuration and what its processes are joined by: listeners, the job queue, a reply
// channel for each of the workers.max slots (so that pool processes can answer workers that are
// added later). Master; owns all of it, and keeps both ends of every channel, so that a replaced
// process inherits its slot's. Everything that can fail happens in Create, before any process is
// touched.
class Generation {
 public:
  static absl::StatusOr<Generation> Create(uint32_t number, Config config);

  uint32_t number() const { return number_; }
  const Config& config() const { return *config_; }
  const Sizing& sizing() const { return sizing_; }
  ListenerSet& listeners() { return listeners_; }
  const ListenerSet& listeners() const { return listeners_; }
  const PacketPair& job_queue() const { return job_queue_; }
  const std::vector<PacketPair>& replies() const { return replies_; }  // by worker slot

 private:
  Generation(ListenerSet listeners) : listeners_(std::move(listeners)) {}

  uint32_t number_ = 0;
  std::unique_ptr<Config> config_;  // children point at it
  Sizing sizing_;
  ListenerSet listeners_;
  PacketPair job_queue_;
  std::vector<PacketPair> replies_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_GENERATION_H_
