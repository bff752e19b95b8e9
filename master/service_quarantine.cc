// The part of master/service.h that keeps payloads away that have crashed processes.
#include "common/log.h"
#include "common/pools.h"
#include "master/service.h"

namespace windlass {
namespace {

// Between two lists to the same worker, so that a storm of crashes does not fill its channel.
constexpr absl::Duration kTellEvery = absl::Milliseconds(100);

}  // namespace

void Service::TakeCrash(const Supervisor& supervisor, const proto::Report::Crashed& crash) {
  const Config& config = supervisor.generation().config();
  // The worker may be as corrupt as the process that crashed.
  if (crash.handler() >= config.handlers.size()) return;
  const PoolConfig& pool = config.pools[PoolNamed(config, config.handlers[crash.handler()].pool)];
  const absl::Duration ttl = pool.quarantine_ttl;
  if (ttl == absl::ZeroDuration()) return;
  const Instant now = services_.timers->now();
  const Poison* const entry =
      services_.quarantine->OnCrash(config.handlers[crash.handler()].name, crash.bytes(),
                                    Fingerprint{crash.high(), crash.low()}, ttl, absl::Now(), now);
  if (entry == nullptr) return;
  LOG_LIMITED(WARNING, quarantine_log_, now)
      << "quarantine: a payload of " << entry->bytes << " bytes for handler " << entry->handler
      << " has crashed " << entry->crashes << " processes; it is refused for " << ttl
      << " (windlassctl quarantine clear " << ShortName(entry->fingerprint) << ")";
}

// A worker that is not ready yet is told before it serves.
void Service::TellQuarantine() {
  const Quarantine& quarantine = *services_.quarantine;
  const Instant now = services_.timers->now();
  if (quarantine.version() == told_quarantine_ || now < quarantine_told_ + kTellEvery) return;
  told_quarantine_ = quarantine.version();
  quarantine_told_ = now;
  for (Supervisor* supervisor : supervisors()) {
    const proto::Command command = quarantine.CommandFor(supervisor->generation().config());
    for (const auto& child : supervisor->children()) {
      if (child->is_worker() && child->control) supervisor->Tell(*child, command);
    }
  }
}

}  // namespace windlass
