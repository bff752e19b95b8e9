// windlassd: the master. Start-up order: options, configuration, signals, then (master/beginning.h)
// log and privileges, scoreboard, control socket, sockets, channels and processes, then the loop.
// Exit codes: 0 stopped, 1 run time, 2 usage, 78 configuration (sysexits.h, EX_CONFIG).
#include <sysexits.h>

#include <array>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/config_check.h"
#include "common/config_load.h"
#include "common/config_print.h"
#include "common/log.h"
#include "common/posix.h"
#include "master/ask_child.h"
#include "master/beginning.h"
#include "master/master_loop.h"
#include "master/options.h"
#include "master/passed_sockets.h"
#include "master/service_manager.h"
#include "master/upgrade_state.h"
#include "worker/admin/run_admin.h"
#include "worker/handlers/plugin.h"
#include "worker/io/run_worker.h"
#include "worker/pool/zygote.h"

namespace windlass {
namespace {

constexpr int kExitRunTime = 1, kExitUsage = 2;

constexpr std::array<RoleSpec, 4> kRoles = {{
    {Role::kWorker, "worker", &RunWorker, /*dies_with_master=*/false, /*drops_root=*/false},
    {Role::kZygote, "zygote", &RunZygote, /*dies_with_master=*/true, /*drops_root=*/true},
    {Role::kAdmin, "admin", &RunAdmin, /*dies_with_master=*/false, /*drops_root=*/true},
    {Role::kPool, "pool", /*entry=*/nullptr, /*dies_with_master=*/true, /*drops_root=*/true},
}};

int Fail(absl::string_view message, int code) {
  const absl::string_view priority = StandardErrorIsTheJournal() ? "<3>" : "";
  for (absl::string_view line : absl::StrSplit(message, '\n')) {
    std::cerr << priority << "windlassd: " << line << std::endl;
  }
  return code;
}

int FailStart(absl::string_view message, int code) {
  ReportFailedStart(message);
  return Fail(message, code);
}

// "build/windlass" beside "build/windlassd", else by PATH.
std::string ClientBeside(const std::string& program) {
  const size_t slash = program.rfind('/');
  return slash == std::string::npos ? "windlass" : program.substr(0, slash + 1) + "windlass";
}

int Serve(const Options& options, std::vector<std::string> command, Config config) {
  const std::string client = ClientBeside(command[0]);
  LogLevel level = LogLevel::INFO;
  ParseLogLevel(config.log.level, &level);
  InitLog("master", level);
  SetDumpable(false);  // handlers of the same user must not reach it by /proc
  const sigset_t signals = BlockMasterSignals();
  SpawnSettings settings;
  if (absl::Status prepared = PrepareMaster(config, &settings); !prepared.ok()) {
    return FailStart(prepared.message(), kExitRunTime);
  }
  const absl::StatusOr<PassedSockets> passed = PassedSockets::FromEnvironment();
  if (!passed.ok()) return FailStart(passed.status().message(), kExitRunTime);
  absl::StatusOr<std::unique_ptr<MasterLoop>> loop = MasterLoop::Create(signals);
  if (!loop.ok()) return FailStart(loop.status().message(), kExitRunTime);
  absl::StatusOr<Beginning> beginning = Beginning::From(options.resume_upgrade, config);
  if (!beginning.ok()) return FailStart(beginning.status().message(), kExitRunTime);

  Scoreboard& board = beginning->board();
  CountLogLinesIn(&board.MutableHeader().log_lines_dropped,
                  &board.MutableHeader().log_lines_limited);
  SlotPool pool_slots(board.worker_slots(), board.pool_slots());
  DeathLog deaths;
  OomCounter oom;
  Quarantine quarantine;
  ServiceCounts counts;
  settings.fingerprint_secret = beginning->fingerprint_secret();
  const SupervisorServices services = {
      &board, (*loop)->selector(), (*loop)->timers(), &pool_slots, &deaths, &oom, &quarantine,
      kRoles, &settings,           /*owner=*/nullptr, &counts};
  Service service(options.sources, services, &*passed);
  Operator op(&service, services, &settings, loop->get());
  service.set_observer(&op);
  Upgrader upgrader(std::move(command), services.selector, services.timers, loop->get());
  const absl::StatusOr<std::unique_ptr<ControlServer>> control =
      beginning->OpenControl(config, services, &op);
  if (!control.ok()) return FailStart(control.status().message(), kExitRunTime);
  op.set_server(control->get());
  if (absl::Status started =
          beginning->Start(std::move(config), &service, control->get(), &op, &settings);
      !started.ok()) {
    return FailStart(started.message(), kExitRunTime);
  }
  ServiceManager manager((*loop)->timers());
  return (*loop)->Run({&service, &op, control->get(), &upgrader, &manager, &settings},
                      options.hint ? client : "");
}

// Libraries of handlers are loaded in a child, with the time that a start would have: they are
// somebody else's code.
int Check(const Config& config) {
  const absl::Status loaded =
      AskChild([&config] { return CheckPlugins(config); }, config.master.startup_timeout);
  if (!loaded.ok()) return Fail(absl::StrCat(config.source, ": ", loaded.message()), EX_CONFIG);
  for (const std::string& doubt : DoubtfulSettings(config)) {
    std::cerr << "windlassd: " << config.source << ": warning: " << doubt << "\n";
  }
  return std::cout << config.source << ": valid\n", 0;
}

int CheckUpgrade(int memfd) {
  const absl::StatusOr<proto::UpgradeState> state = ReadUpgradeState(memfd);
  if (!state.ok()) return Fail(state.status().message(), kExitRunTime);
  const absl::Status fits = CheckUpgradeState(*state);
  if (!fits.ok()) return Fail(fits.message(), kExitRunTime);
  return std::cout << kUpgradeAnswer << std::endl, 0;
}

int Main(int argc, char** argv) {
  const absl::StatusOr<Options> options = ParseOptions(argc, argv);
  if (!options.ok()) return Fail(options.status().message(), kExitUsage);
  if (options->help) return std::cout << HelpText(), 0;
  if (options->version) return std::cout << "windlassd " << WINDLASS_VERSION << "\n", 0;
  absl::StatusOr<Config> config = LoadConfig(options->sources);
  const bool is_start = !options->check && !options->print_config;
  if (!config.ok()) return (is_start ? FailStart : Fail)(config.status().message(), EX_CONFIG);
  if (options->print_config) return std::cout << PrintConfig(*config), 0;
  if (options->check_upgrade >= 0) return CheckUpgrade(options->check_upgrade);
  if (options->check) return Check(*config);
  return Serve(*options, {argv, argv + argc}, *std::move(config));
}

}  // namespace
}  // namespace windlass

int main(int argc, char** argv) { return windlass::Main(argc, argv); }
