// windlassd: the master. Start-up order: options, configuration, signals, sockets and channels,
// then processes, then the loop. Exit codes: 0 stopped, 1 run time, 2 usage, 78 configuration
// (sysexits.h, EX_CONFIG).
#include <sysexits.h>

#include <array>
#include <iostream>
#include <vector>

#include "common/config_load.h"
#include "common/config_print.h"
#include "common/log.h"
#include "common/posix.h"
#include "master/generation.h"
#include "master/master_loop.h"
#include "master/options.h"
#include "master/privileges.h"
#include "master/supervisor.h"
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

int Serve(const Options& options, Config config) {
  LogLevel level = LogLevel::INFO;
  ParseLogLevel(config.log.level, &level);
  InitLog("master", level);
  const sigset_t signals = BlockMasterSignals();
  LOG(INFO) << "windlassd " << WINDLASS_VERSION << ", configuration " << config.source;
  LOG(INFO) << "at most " << RaiseDescriptorLimit() << " open descriptors per process";
  if (RunningAsRoot()) LOG(WARNING) << "started as root: pool processes run as nobody";

  absl::StatusOr<Scoreboard> board =
      Scoreboard::Create(static_cast<uint32_t>(config.workers.max + config.master.max_processes));
  if (!board.ok()) return Fail(board.status().message(), kExitRunTime);
  absl::StatusOr<Generation> generation = Generation::Create(1, std::move(config));
  if (!generation.ok()) return Fail(generation.status().message(), kExitRunTime);
  absl::StatusOr<std::unique_ptr<MasterLoop>> loop = MasterLoop::Create(signals);
  if (!loop.ok()) return Fail(loop.status().message(), kExitRunTime);
  Supervisor supervisor(*std::move(generation), &*board, kRoles, (*loop)->selector(),
                        (*loop)->timers(), level);
  return (*loop)->Run(&supervisor, options);
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
