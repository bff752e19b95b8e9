#include "master/service_counts.h"

#include <algorithm>

#include "common/log.h"

namespace windlass {

void ServiceCounts::OnReloadEnded(const ReloadResult& result) {
  ++(result.ok ? reloads_ok_ : reloads_failed_);
  if (reloads_.size() == kKeptReloads) reloads_.pop_front();
  reloads_.push_back(result);
}

absl::Duration ServiceCounts::CpuOf(Role role, absl::Duration living) {
  Cpu& cpu = Of(role);
  cpu.told = std::max(cpu.told, cpu.dead + living);
  return cpu.told;
}

void ServiceCounts::Describe(proto::UpgradeState* state) const {
  state->set_restarts(restarts_);
  state->set_reloads_ok(reloads_ok_);
  state->set_reloads_failed(reloads_failed_);
  for (const ReloadResult& reload : reloads_) {
    proto::UpgradeState::Reload& entry = *state->add_ends_of_reloads();
    entry.set_time_unix_ms(absl::ToUnixMillis(reload.when));
    entry.set_ok(reload.ok);
    entry.set_message(reload.message);
  }
  for (size_t role = 0; role < kRoles; ++role) {
    proto::UpgradeState::RoleCpu& entry = *state->add_cpu();
    entry.set_role(static_cast<uint32_t>(role));
    entry.set_dead_us(static_cast<uint64_t>(absl::ToInt64Microseconds(cpu_[role].dead)));
    entry.set_told_us(static_cast<uint64_t>(absl::ToInt64Microseconds(cpu_[role].told)));
  }
}

void ServiceCounts::Adopt(const proto::UpgradeState& state) {
  restarts_ = state.restarts();
  reloads_ok_ = state.reloads_ok();
  reloads_failed_ = state.reloads_failed();
  reloads_.clear();
  for (const proto::UpgradeState::Reload& reload : state.ends_of_reloads()) {
    reloads_.push_back(
        {absl::FromUnixMillis(reload.time_unix_ms()), reload.ok(), reload.message()});
    if (reloads_.size() > kKeptReloads) reloads_.pop_front();
  }
  for (const proto::UpgradeState::RoleCpu& entry : state.cpu()) {
    if (entry.role() >= kRoles) continue;
    cpu_[entry.role()] = {absl::Microseconds(entry.dead_us()), absl::Microseconds(entry.told_us())};
  }
}

}  // namespace windlass
