// windlassd: the master. Start-up order: options, configuration, signals, sockets and channels,
// then processes, then the loop. Exit codes: 0 stopped, 1 run time, 2 usage, 78 configuration
// (sysexits.h, EX_CONFIG).
#include <sysexits.h>

#include <array>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "common/config_load.h"
#include "common/config_print.h"
#include "common/control_path.h"
#include "common/log.h"
#include "common/log_file.h"
#include "common/posix.h"
#include "master/control_server.h"
#include "master/master_loop.h"
#include "master/operator.h"
#include "master/options.h"
#include "master/privileges.h"
#include "master/service.h"
#include "master/upgrade_state.h"
#include "master/upgrader.h"
#include "worker/io/run_worker.h"
#include "worker/pool/run_pool.h"

namespace windlass {
namespace {

constexpr int kExitRunTime = 1, kExitUsage = 2;

constexpr std::array<RoleSpec, 2> kRoles = {{
    {Role::kWorker, "worker", &RunWorker, /*dies_with_master=*/false, /*drops_root=*/false},
    {Role::kPool, "pool", &RunPool, /*dies_with_master=*/true, /*drops_root=*/true},
}};

int Fail(absl::string_view message, int code) {
  std::cerr << "windlassd: " << message << std::endl;
  return code;
}

// What of the configuration concerns the master itself. Errors: exit code 1.
absl::Status PrepareMaster(const Config& config, SpawnSettings* settings) {
  LOG(INFO) << "windlassd " << WINDLASS_VERSION << ", configuration " << config.source;
  LOG(INFO) << "at most " << RaiseDescriptorLimit() << " open descriptors per process";
  if (!config.log.file.empty()) {
    absl::StatusOr<OwnedFd> log = OpenLogFile(config.log.file);
    if (!log.ok()) return log.status();
    SetLogFd(*std::move(log));
  }
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

absl::StatusOr<std::unique_ptr<ControlServer>> OpenControl(
    const Config& config, const std::optional<proto::UpgradeState>& former, Selector* selector,
    TimerWheel* timers, Operator* op) {
  if (former) {
    absl::StatusOr<std::unique_ptr<ControlServer>> adopted = ControlServer::Adopt(
        OwnedFd(former->control()), former->control_path(), selector, timers, op);
    // Without its file nobody could connect: a new one is made.
    if (!absl::IsNotFound(adopted.status())) return adopted;
  }
  const std::string path =
      config.master.control.empty() ? ServerControlPath() : config.master.control;
  return ControlServer::Create(path, selector, timers, op);
}

// The former binary's processes serve; ours come by a reload, which can fail and leave them.
void FinishUpgrade(const proto::UpgradeState& former, ControlServer* control, Operator* op,
                   SpawnSettings* settings) {
  LogLevel level = LogLevel::INFO;
  if (ParseLogLevel(former.log_level(), &level)) {
    settings->log_level = level;
    SetLogLevel(level);
  }
  ControlClientId waits;
  if (former.reply_to() >= 0) waits = control->AdoptClient(OwnedFd(former.reply_to()));
  op->ReloadFor(waits);
}

// Where the master starts from: nothing, or what a former binary left.
struct Beginning {
  std::optional<proto::UpgradeState> former;
  absl::StatusOr<Scoreboard> board = absl::UnavailableError("");
};

absl::StatusOr<Beginning> BeginFrom(const Options& options, const Config& config) {
  Beginning beginning;
  if (options.resume_upgrade < 0) {
    beginning.board = Scoreboard::Create(JobId::kMaxSlots,
                                         static_cast<uint32_t>(config.master.max_processes));
  } else {
    const OwnedFd memfd(options.resume_upgrade);
    absl::StatusOr<proto::UpgradeState> state = ReadUpgradeState(memfd.get());
    if (!state.ok()) return state.status();
    SetOpenOverExec(*state, false);
    LOG(INFO) << "goes on for windlassd " << state->version();
    beginning.board = Scoreboard::Adopt(OwnedFd(state->scoreboard()));
    beginning.former = *std::move(state);
  }
  if (!beginning.board.ok()) return beginning.board.status();
  return beginning;
}

int Serve(const Options& options, std::vector<std::string> command, Config config) {
  LogLevel level = LogLevel::INFO;
  ParseLogLevel(config.log.level, &level);
  InitLog("master", level);
  const sigset_t signals = BlockMasterSignals();
  SpawnSettings settings;
  if (absl::Status prepared = PrepareMaster(config, &settings); !prepared.ok()) {
    return Fail(prepared.message(), kExitRunTime);
  }
  absl::StatusOr<std::unique_ptr<MasterLoop>> loop = MasterLoop::Create(signals);
  if (!loop.ok()) return Fail(loop.status().message(), kExitRunTime);
  Selector* const selector = (*loop)->selector();
  TimerWheel* const timers = (*loop)->timers();
  absl::StatusOr<Beginning> beginning = BeginFrom(options, config);
  if (!beginning.ok()) return Fail(beginning.status().message(), kExitRunTime);
  Scoreboard& board = *beginning->board;
  SlotPool pool_slots(board.worker_slots(), board.slots() - board.worker_slots());
  DeathLog deaths;
  const SupervisorServices services = {&board,  selector, timers,    &pool_slots,
                                       &deaths, kRoles,   &settings, nullptr};
  Service service(options.sources, services);
  Operator op(&service, services, &settings, loop->get());
  service.set_observer(&op);
  Upgrader upgrader(std::move(command), selector, timers, loop->get());
  absl::StatusOr<std::unique_ptr<ControlServer>> control =
      OpenControl(config, beginning->former, selector, timers, &op);
  if (!control.ok()) return Fail(control.status().message(), kExitRunTime);
  op.set_server(control->get());
  const absl::Status started = beginning->former ? service.Adopt(*beginning->former)
                                                 : service.Start(std::move(config));
  if (!started.ok()) return Fail(started.message(), kExitRunTime);
  if (beginning->former) FinishUpgrade(*beginning->former, control->get(), &op, &settings);
  return (*loop)->Run({&service, &op, control->get(), &upgrader, &settings}, options.hint);
}

int CheckUpgrade(int memfd) {
  const absl::StatusOr<proto::UpgradeState> state = ReadUpgradeState(memfd);
  if (!state.ok()) return Fail(state.status().message(), kExitRunTime);
  if (absl::Status fits = CheckUpgradeState(*state); !fits.ok()) {
    return Fail(fits.message(), kExitRunTime);
  }
  return 0;
}

int Main(int argc, char** argv) {
  const absl::StatusOr<Options> options = ParseOptions(argc, argv);
  if (!options.ok()) return Fail(options.status().message(), kExitUsage);
  if (options->help) return std::cout << HelpText(), 0;
  if (options->version) return std::cout << "windlassd " << WINDLASS_VERSION << "\n", 0;
  absl::StatusOr<Config> config = LoadConfig(options->sources);
  if (!config.ok()) return Fail(config.status().message(), EX_CONFIG);
  if (options->print_config) return std::cout << PrintConfig(*config), 0;
  if (options->check_upgrade >= 0) return CheckUpgrade(options->check_upgrade);
  if (options->check) return std::cout << config->source << ": valid\n", 0;
  return Serve(*options, {argv, argv + argc}, *std::move(config));
}

}  // namespace
}  // namespace windlass

int main(int argc, char** argv) { return windlass::Main(argc, argv); }
