#include "master/beginning.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/control_path.h"
#include "common/fingerprint.h"
#include "common/log.h"
#include "common/log_file.h"
#include "common/posix.h"
#include "master/upgrade_state.h"

namespace windlass {

absl::Status PrepareMaster(const Config& config, SpawnSettings* settings) {
  if (!config.log.file.empty()) {
    absl::StatusOr<OwnedFd> log = OpenLogFile(config.log.file);
    if (!log.ok()) return log.status();
    SetLogFd(*std::move(log));
  }
  // Where standard error is a file: whatever a child writes there, it is after what is there.
  AppendOnly(STDERR_FILENO);
  LogFormat format = LogFormat::kText;
  if (ParseLogFormat(config.log.format, &format)) SetLogFormat(format);
  LOG(INFO) << "windlassd " << WINDLASS_VERSION << ", configuration " << config.source;
  LOG(INFO) << "at most " << RaiseDescriptorLimit() << " open descriptors per process";
  if (!config.master.user.empty()) {
    const absl::StatusOr<Identity> identity =
        LookUpIdentity(config.master.user, config.master.group);
    if (!identity.ok()) return identity.status();
    settings->identity = *identity;
  } else if (RunningAsRoot()) {
    LOG(WARNING) << "started as root without master.user: pool processes run as nobody";
  }
  return absl::OkStatus();
}

absl::StatusOr<Beginning> Beginning::From(int upgrade_state, const Config& config) {
  if (upgrade_state < 0) {
    absl::StatusOr<Scoreboard> board =
        Scoreboard::Create(JobId::kMaxSlots, static_cast<uint32_t>(config.master.max_processes));
    if (!board.ok()) return board.status();
    absl::StatusOr<OwnedFd> secret = CreateFingerprintSecret();
    if (!secret.ok()) return secret.status();
    return Beginning(*std::move(board), *std::move(secret));
  }
  const OwnedFd memfd(upgrade_state);
  absl::StatusOr<proto::UpgradeState> state = ReadUpgradeState(memfd.get());
  if (!state.ok()) return state.status();
  SetOpenOverExec(*state, false);
  LOG(INFO) << "goes on for windlassd " << state->version();
  absl::StatusOr<Scoreboard> board = Scoreboard::Adopt(OwnedFd(state->scoreboard()));
  if (!board.ok()) return board.status();
  absl::StatusOr<OwnedFd> secret = state->fingerprint_secret() > 0
                                       ? OwnedFd(state->fingerprint_secret())
                                       : CreateFingerprintSecret();
  if (!secret.ok()) return secret.status();
  Beginning beginning(*std::move(board), *std::move(secret));
  beginning.former_ = *std::move(state);
  return beginning;
}

absl::StatusOr<std::unique_ptr<ControlServer>> Beginning::OpenControl(
    const Config& config, const SupervisorServices& services, Operator* op) const {
  if (former_) {
    absl::StatusOr<std::unique_ptr<ControlServer>> adopted =
        ControlServer::Adopt(OwnedFd(former_->control()), former_->control_path(),
                             services.selector, services.timers, op);
    // Without its file nobody could connect: a new one is made.
    if (!absl::IsNotFound(adopted.status())) return adopted;
  }
  const std::string path =
      config.master.control.empty() ? ServerControlPath() : config.master.control;
  return ControlServer::Create(path, services.selector, services.timers, op);
}

absl::Status Beginning::Start(Config config, Service* service, ControlServer* control, Operator* op,
                              SpawnSettings* settings) const {
  if (!former_) return service->Start(std::move(config));
  if (absl::Status adopted = service->Adopt(*former_); !adopted.ok()) return adopted;
  LogLevel level = LogLevel::INFO;
  if (ParseLogLevel(former_->log_level(), &level)) {
    settings->log_level = level;
    SetLogLevel(level);
  }
  ControlClientId waits;
  if (former_->reply_to() >= 0) waits = control->AdoptClient(OwnedFd(former_->reply_to()));
  op->Reload({"upgrade", Asker::Adopt(former_->asked_by()), waits},
             absl::StrCat("this is windlassd ", WINDLASS_VERSION, " now, but its reload failed: "));
  return absl::OkStatus();
}

}  // namespace windlass
