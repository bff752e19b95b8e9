// windlassd: the master. Start-up order: options, configuration, signals, sockets and channels,
// then processes, then the loop. Exit codes: 0 stopped, 1 run time, 2 usage, 78 configuration
// (sysexits.h, EX_CONFIG).
#include <sysexits.h>

#include <array>
#include <iostream>
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

int Serve(const Options& options, Config config) {
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
  absl::StatusOr<Scoreboard> board = Scoreboard::Create(
      JobId::kMaxSlots, static_cast<uint32_t>(config.master.max_processes));
  if (!board.ok()) return Fail(board.status().message(), kExitRunTime);
  SlotPool pool_slots(board->worker_slots(), board->slots() - board->worker_slots());
  DeathLog deaths;
  const SupervisorServices services = {&*board,     (*loop)->selector(), (*loop)->timers(),
                                       &pool_slots, &deaths,             kRoles,
                                       &settings,   nullptr};
  Service service(options.sources, services);
  Operator op(&service, services, &settings, loop->get());
  service.set_observer(&op);
  const std::string control_path =
      config.master.control.empty() ? ServerControlPath() : config.master.control;
  absl::StatusOr<std::unique_ptr<ControlServer>> control =
      ControlServer::Create(control_path, (*loop)->selector(), (*loop)->timers(), &op);
  if (!control.ok()) return Fail(control.status().message(), kExitRunTime);
  op.set_server(control->get());
  if (absl::Status started = service.Start(std::move(config)); !started.ok()) {
    return Fail(started.message(), kExitRunTime);
  }
  return (*loop)->Run(&service, &op, control->get(), options.hint);
}

int Main(int argc, char** argv) {
  const absl::StatusOr<Options> options = ParseOptions(argc, argv);
  if (!options.ok()) return Fail(options.status().message(), kExitUsage);
  if (options->help) return std::cout << HelpText(), 0;
  if (options->version) return std::cout << "windlassd " << WINDLASS_VERSION << "\n", 0;
  absl::StatusOr<Config> config = LoadConfig(options->sources);
  if (!config.ok()) return Fail(config.status().message(), EX_CONFIG);
  if (options->print_config) return std::cout << PrintConfig(*config), 0;
  if (options->check) return std::cout << config->source << ": valid\n", 0;
  return Serve(*options, *std::move(config));
}

}  // namespace
}  // namespace windlass

int main(int argc, char** argv) { return windlass::Main(argc, argv); }
