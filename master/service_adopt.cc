// The part of master/service.h that hands the whole service to the next binary.
#include "absl/strings/str_cat.h"
#include "common/job_channel.h"
#include "common/log.h"
#include "master/service.h"
#include "master/upgrade_state.h"

namespace windlass {

absl::Status Service::Describe(proto::UpgradeState* state) const {
  if (state_ != State::kServing) return absl::FailedPreconditionError("the server is not serving");
  if (next_ != nullptr) {
    return absl::FailedPreconditionError("a reload is going on: try again after it");
  }
  state->set_format(kUpgradeFormat);
  state->set_job_format(kJobFormat);
  state->set_version(WINDLASS_VERSION);
  state->set_scoreboard(services_.board->fd());
  state->set_last_generation(last_generation_);
  state->set_reloads(reload_);
  state->set_started_ns(static_cast<uint64_t>(started_.ns));
  state->set_kept_workers(kept_.workers.value_or(0));
  for (const auto& [name, processes] : kept_.pools) {
    proto::UpgradeState::KeptPool& pool = *state->add_kept_pools();
    pool.set_name(name);
    pool.set_processes(static_cast<uint32_t>(processes));
  }
  state->set_fingerprint_secret(services_.settings->fingerprint_secret);
  services_.quarantine->Describe(state);
  for (const Supervisor* supervisor : supervisors()) {
    supervisor->Describe(state->add_generations());
  }
  // After the supervisors, who have told the deaths by now that waited for names.
  state->set_deaths(services_.deaths->total());
  for (size_t cause = 0; cause < kEndCauses; ++cause) {
    const uint64_t count = services_.deaths->CountOf(static_cast<EndCause>(cause));
    if (count == 0) continue;
    proto::UpgradeState::CauseCount& entry = *state->add_deaths_by_cause();
    entry.set_cause(static_cast<uint32_t>(cause));
    entry.set_count(count);
  }
  services_.counts->Describe(state);
  return absl::OkStatus();
}

absl::Status Service::Adopt(const proto::UpgradeState& state) {
  const bool can_repair = state.job_format() == kJobFormat;
  for (const proto::UpgradeState::Generation& generation : state.generations()) {
    absl::StatusOr<Generation> adopted = Generation::Adopt(generation, can_repair);
    if (!adopted.ok()) return adopted.status();
    if (current_ != nullptr) former_.push_back(std::move(current_));
    current_ = std::make_unique<Supervisor>(*std::move(adopted), services_, generation);
  }
  if (current_ == nullptr || current_->state() != Supervisor::State::kServing) {
    return absl::InvalidArgumentError("no generation serves");
  }
  last_generation_ = state.last_generation();
  reload_ = state.reloads();
  started_ = Instant{static_cast<int64_t>(state.started_ns())};
  services_.deaths->SetTotal(state.deaths());
  for (const proto::UpgradeState::CauseCount& entry : state.deaths_by_cause()) {
    if (entry.cause() >= kEndCauses) continue;
    services_.deaths->SetCount(static_cast<EndCause>(entry.cause()), entry.count());
  }
  services_.counts->Adopt(state);
  if (!services_.counts->reloads().empty()) last_reload_ = services_.counts->reloads().back();
  services_.quarantine->Adopt(state);
  if (state.kept_workers() > 0) kept_.workers = state.kept_workers();
  for (const proto::UpgradeState::KeptPool& pool : state.kept_pools()) {
    kept_.pools[pool.name()] = static_cast<int>(pool.processes());
  }
  state_ = State::kServing;
  services_.timers->Arm(&tick_, services_.timers->now() + absl::Seconds(1));
  return absl::OkStatus();
}

}  // namespace windlass
