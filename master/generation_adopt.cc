// The part of master/generation.h that hands a generation to the next binary.
#include <fcntl.h>

#include "absl/strings/str_cat.h"
#include "common/config_load.h"
#include "common/config_print.h"
#include "common/log.h"
#include "master/generation.h"
#include "master/upgrade_state.h"

namespace windlass {
namespace {

PacketPair AdoptPair(const proto::UpgradeState::Pair& pair) {
  PacketPair adopted;
  adopted.send_end.Reset(pair.send());
  adopted.receive_end.Reset(pair.receive());
  return adopted;
}

void DescribePair(const PacketPair& pair, proto::UpgradeState::Pair* into) {
  into->set_send(pair.send_end.get());
  into->set_receive(pair.receive_end.get());
}

}  // namespace

absl::StatusOr<Generation> Generation::Adopt(const proto::UpgradeState::Generation& state,
                                             bool can_repair) {
  absl::StatusOr<Config> config = ParsePrintedConfig(state);
  if (!config.ok()) return config.status();
  absl::StatusOr<ListenerSet> listeners = ListenerSet::Adopt(state.listeners(), config->listeners);
  if (!listeners.ok()) return listeners.status();
  absl::StatusOr<ListenerSet> admin =
      ListenerSet::Adopt(state.admin_listeners(), AdminListeners(*config));
  if (!admin.ok()) return admin.status();
  Generation generation(*std::move(listeners), *std::move(admin));
  generation.number_ = state.number();
  generation.place_ = {state.bay(), state.first_worker()};
  generation.born_ = Instant{static_cast<int64_t>(state.born_ns())};
  generation.can_repair_ = can_repair;
  generation.config_ = std::make_unique<Config>(*std::move(config));
  generation.config_hash_ = ConfigHash(*generation.config_);
  generation.sizing_ = {static_cast<int>(state.workers()), {}, state.payload_budget()};
  generation.configured_ = {
      static_cast<int>(state.configured_workers()), {}, state.payload_budget()};
  absl::StatusOr<AccessLogFiles> access_logs = AccessLogFiles::Open(*generation.config_);
  if (access_logs.ok()) {
    generation.access_logs_ = *std::move(access_logs);
  } else {  // workers have theirs; those that take a dead one's place go without
    LOG(ERROR) << access_logs.status().message();
  }
  if (static_cast<size_t>(state.pools_size()) != generation.config_->pools.size()) {
    return absl::InvalidArgumentError("upgrade state: pools are missing");
  }
  for (const proto::UpgradeState::Process& process : state.processes()) {
    if (process.pool() < generation.config_->pools.size()) continue;
    return absl::InvalidArgumentError("upgrade state: a process of no pool");
  }
  for (const proto::UpgradeState::Pool& pool : state.pools()) {
    generation.sizing_.pools.push_back(static_cast<int>(pool.wanted()));
    generation.configured_.pools.push_back(static_cast<int>(pool.configured()));
    PoolLink& link = generation.pools_.emplace_back();
    link.job_queue = AdoptPair(pool.job_queue());
    for (const proto::UpgradeState::Pair& pair : pool.replies()) {
      link.replies.push_back(AdoptPair(pair));
    }
  }
  return generation;
}

void Generation::Describe(proto::UpgradeState::Generation* state) const {
  state->set_number(number_);
  state->set_bay(place_.bay);
  state->set_first_worker(place_.first_worker);
  state->set_config(PrintConfig(*config_));
  state->set_config_source(config_->source);
  state->set_born_ns(static_cast<uint64_t>(born_.ns));
  state->set_configured_workers(static_cast<uint32_t>(configured_.workers));
  state->set_payload_budget(sizing_.payload_budget_bytes);
  listeners_.Describe(state->mutable_listeners());
  admin_listeners_.Describe(state->mutable_admin_listeners());
  for (size_t i = 0; i < pools_.size(); ++i) {
    proto::UpgradeState::Pool& pool = *state->add_pools();
    pool.set_configured(static_cast<uint32_t>(configured_.pools[i]));
    DescribePair(pools_[i].job_queue, pool.mutable_job_queue());
    for (const PacketPair& pair : pools_[i].replies) DescribePair(pair, pool.add_replies());
  }
}

}  // namespace windlass
