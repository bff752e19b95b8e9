// The part of master/service.h that deals with how many processes an operator wants.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/nearest_name.h"
#include "common/pools.h"
#include "master/service.h"

namespace windlass {

absl::Status Service::CheckSizes(const SizingOverride& wanted) const {
  const Config& config = current_->generation().config();
  const int most_workers = config.workers.max;
  if (wanted.workers && (*wanted.workers < 1 || *wanted.workers > most_workers)) {
    return absl::InvalidArgumentError(
        absl::StrCat("workers must be from 1 to workers.max = ", most_workers));
  }
  const int room = static_cast<int>(services_.pool_slots->available());
  int more = 0;
  for (const auto& [name, processes] : wanted.pools) {
    const uint32_t index = name.empty() ? UINT32_MAX : PoolNamed(config, name);
    if (index == UINT32_MAX) {
      std::vector<std::string> names;
      for (const PoolConfig& pool : config.pools) names.push_back(pool.name);
      return absl::NotFoundError(
          absl::StrCat("there is no pool '", name, "'", DidYouMean(name, names)));
    }
    const PoolConfig& pool = config.pools[index];
    const int now = current_->wanted_pool(index);
    const int least = pool.max == 0 ? 1 : std::max(1, pool.min);
    const int most = pool.max == 0 ? now + room : pool.max;
    if (processes < least || processes > most) {
      return absl::InvalidArgumentError(absl::StrCat(
          index == 0 ? "pool" : absl::StrCat("pool.", name), " must be from ", least, " to ", most,
          pool.max == 0 ? " (what master.max_processes leaves room for)" : " (its min and max)"));
    }
    more += processes - now;
  }
  if (more > room) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there is room for ", room, " more pool processes (master.max_processes), not ", more));
  }
  const int all =
      wanted.workers.value_or(current_->wanted_workers()) + current_->wanted_pools() + more;
  if (const int most = config.master.max_processes; all > most) {
    return absl::InvalidArgumentError(
        absl::StrCat(all, " processes are more than master.max_processes = ", most));
  }
  return absl::OkStatus();
}

// A pool that has grown by its load starts with as many in the next generation, if it may there,
// and as far as there is room beside those of the one that serves.
SizingOverride Service::ScaledSizes(const Generation& next, int room) const {
  SizingOverride sizes;
  const Config& config = current_->generation().config();
  int left = room - next.sizing().pool_processes();
  for (size_t i = 0; i < next.config().pools.size(); ++i) {
    const PoolConfig& pool = next.config().pools[i];
    const uint32_t now = PoolNamed(config, pool.name);
    if (pool.max == 0 || now == UINT32_MAX || config.pools[now].max == 0) continue;
    const int first = next.sizing().pools[i];
    const int grown = std::min(current_->wanted_pool(now), first + std::max(0, left));
    sizes.pools[pool.name] = grown;
    left -= grown - first;
  }
  return sizes;
}

// Of pools that are gone, or now follow the load: who brings them back has other sizes in mind.
void Service::ForgetKeptPools() {
  const Config& config = current_->generation().config();
  for (auto kept = kept_.pools.begin(); kept != kept_.pools.end();) {
    const uint32_t pool = PoolNamed(config, kept->first);
    const bool stays = pool != UINT32_MAX && config.pools[pool].max == 0;
    kept = stays ? std::next(kept) : kept_.pools.erase(kept);
  }
}

// With each pool the memory for payloads of the others is less.
void Service::WarnOfSmallShares(const Generation& generation) const {
  const Config& config = generation.config();
  if (config.pools.size() < 2) return;
  const uint64_t most = PoolShare(generation.sizing().payload_budget_bytes, config) / 2;
  for (const ListenerConfig& listener : config.listeners) {
    if (listener.protocol == Protocol::kEcho || listener.protocol == Protocol::kLine) continue;
    if (listener.max_content <= most) continue;
    LOG(WARNING) << "listener " << listener.address.text << ": content of more than " << most
                 << " bytes is refused, although max_content is " << listener.max_content
                 << ": workers.payload_memory is shared by " << config.pools.size() << " pools";
  }
}

absl::Status Service::Resize(const SizingOverride& wanted, bool keep) {
  if (state_ != State::kServing) return absl::FailedPreconditionError("the server is not serving");
  if (next_ != nullptr) return absl::UnavailableError("a reload is going on: try again after it");
  if (absl::Status checked = CheckSizes(wanted); !checked.ok()) return checked;
  if (wanted.workers) {
    kept_.workers = keep ? wanted.workers : std::nullopt;
    current_->ResizeWorkers(*wanted.workers);
  }
  for (const auto& [name, processes] : wanted.pools) {
    const Config& config = current_->generation().config();
    const uint32_t pool = PoolNamed(config, name);
    kept_.pools.erase(name);
    // One that follows the load does so from there, also over reloads.
    if (keep && config.pools[pool].max == 0) kept_.pools[name] = processes;
    current_->ResizePool(pool, processes);
  }
  return absl::OkStatus();
}

}  // namespace windlass
