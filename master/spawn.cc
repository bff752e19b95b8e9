#include "master/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/captured_output.h"
#include "common/control_channel.h"
#include "common/posix.h"
#include "common/read_file.h"
#include "master/privileges.h"
#include "master/service_manager.h"
#include "proto/control.pb.h"

namespace windlass {
namespace {

constexpr int kControlBufferBytes = 256 << 10;

// What of the generation a role works with; the rest is closed.
std::vector<int> TakeChannels(const RoleSpec& role, const Generation& generation,
                              ProcessSetup* setup) {
  std::vector<int> keep = {setup->control.get()};
  if (role.role == Role::kWorker) {
    for (const PoolLink& link : generation.pools()) {
      const PacketPair& replies = link.replies[setup->slot.value - setup->first_worker];
      setup->pools.push_back({link.job_queue.send_end.get(), replies.receive_end.get()});
      keep.insert(keep.end(), {setup->pools.back().job_queue, setup->pools.back().reply_channel});
    }
    for (const ListenSocket& listener : setup->listeners) keep.push_back(listener.fd);
    keep.push_back(setup->fingerprint_secret);
    for (const AccessLogFile& log : setup->access_logs) keep.push_back(log.fd);
  } else if (role.role == Role::kAdmin) {  // none of the data plane's
    for (const ListenSocket& listener : setup->listeners) keep.push_back(listener.fd);
    return keep;
  } else {
    const PoolLink& link = generation.pools()[setup->pool];
    setup->job_queue = link.job_queue.receive_end.get();
    for (const PacketPair& pair : link.replies)
      setup->reply_channels.push_back(pair.send_end.get());
    keep.insert(keep.end(), setup->reply_channels.begin(), setup->reply_channels.end());
    keep.push_back(setup->job_queue);
  }
  if (role.role == Role::kZygote) {
    const std::array<int, 2> board = setup->scoreboard->fds();
    keep.insert(keep.end(), {setup->output, board[0], board[1]});
  }
  return keep;
}

// Its clones inherit it. Before the change of user, after which the file would be root's. A server
// that has been given a higher score must not lower it.
void PreferForOomKill(int score) {
  constexpr char kPath[] = "/proc/self/oom_score_adj";
  int own = 0;
  const absl::StatusOr<std::string> now = ReadFile(kPath);
  if (now.ok() && absl::SimpleAtoi(*now, &own) && own >= score) return;
  const std::string text = absl::StrCat(score);
  const OwnedFd file(::open(kPath, O_WRONLY | O_CLOEXEC));
  if (!file.valid() || ::write(file.get(), text.data(), text.size()) < 0) {
    LOG(DEBUG) << "pool.oom_score_adj: " << absl::ErrnoToStatus(errno, "it stays as it is");
  }
}

// The terminal's signals, and those meant for the master, are the master's to act on.
void ResetSignals() {
  for (int signal :
       {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE}) {
    ::signal(signal, SIG_IGN);
  }
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  BlockSignals(none);
}

[[noreturn]] void BecomeRole(const RoleSpec& role, const Generation& generation, ProcessSetup setup,
                             pid_t master, const SpawnSettings& settings) {
  ResetSignals();
  ForgetServiceManager();
  const std::string title = ProcessName(role, setup.slot, *setup.scoreboard);
  NameProcess(absl::StrCat("wl-", title));
  LogLevel level = LogLevel::INFO;
  ParseLogLevel(setup.config->log.level, &level);
  InitLog(title, settings.log_level.value_or(level));
  const absl::Status entered = role.role == Role::kZygote
                                   ? setup.scoreboard->EnterZygote(setup.slot)
                                   : setup.scoreboard->EnterChild(setup.slot);
  if (!entered.ok()) {
    LOG(ERROR) << "scoreboard: " << entered.ToString();
    ::_exit(1);
  }
  // First of all: whoever sees anything else of this process shall see it alive.
  ProcessSlot& slot = setup.scoreboard->MutableSlot(setup.slot);
  slot.pid.store(::getpid());
  CountLogLinesIn(&slot.log_lines_dropped, &slot.log_lines_limited);
  std::vector<int> keep = TakeChannels(role, generation, &setup);
  keep.push_back(LogFd());
  CloseAllFdsExcept(keep);
  if (role.role == Role::kZygote) PreferForOomKill(setup.config->pools[setup.pool].oom_score_adj);
  if (role.drops_root || settings.identity) {
    const absl::Status dropped =
        settings.identity ? BecomeIdentity(*settings.identity) : BecomeNobody();
    if (!dropped.ok()) {
      LOG(ERROR) << dropped.ToString();
      ::_exit(1);
    }
  }
  if (const absl::Status dropped = DropCapabilities(); !dropped.ok()) {
    LOG(ERROR) << dropped.ToString();
    ::_exit(1);
  }
  // Pool processes may run what others want: they must not reach the rest of us by /proc.
  SetDumpable(false);
  if (role.dies_with_master) {
    // After the change of user, which would clear it; and the master may have died before it was
    // set.
    SetParentDeathSignal(SIGKILL);
    if (::getppid() != master) ::_exit(0);
  }
  ::_exit(role.entry(std::move(setup)));
}

}  // namespace

SlotIndex FirstSlotOf(Role role, const Scoreboard& board) {
  switch (role) {
    case Role::kNone:
    case Role::kWorker:
      return SlotIndex{0};
    case Role::kPool:
      return SlotIndex{board.worker_slots()};
    case Role::kZygote:
      return board.ZygoteSlot(0);
    case Role::kAdmin:
      return board.AdminSlot(0);
  }
  std::abort();  // not an enumerator: memory is corrupt
}

std::string ProcessName(const RoleSpec& role, SlotIndex slot, const Scoreboard& board) {
  return absl::StrCat(role.name, "-", slot.value - FirstSlotOf(role.role, board).value);
}

absl::StatusOr<AskedClone> AskForClone(ControlChannel* zygote, const RoleSpec& role, SlotIndex slot,
                                       uint32_t incarnation, const Scoreboard& board) {
  absl::StatusOr<PacketPair> control = SeqPacketPair(kControlBufferBytes);
  if (!control.ok()) return control.status();
  absl::StatusOr<OwnedFd> output = CreateCapturedOutput();
  if (!output.ok()) return output.status();
  proto::Command command;
  command.mutable_clone()->set_slot(slot.value);
  command.mutable_clone()->set_incarnation(incarnation);
  command.mutable_clone()->set_name(ProcessName(role, slot, board));
  const std::array<int, 2> fds = {control->receive_end.get(), output->get()};
  if (zygote->Send(command, fds) != PacketOutcome::kDone) {
    return absl::UnavailableError("the zygote takes no commands");
  }
  return AskedClone{std::move(control->send_end), *std::move(output)};
}

absl::StatusOr<SpawnedProcess> SpawnProcess(const RoleSpec& role, const Generation& generation,
                                            uint32_t pool, SlotIndex slot, uint32_t incarnation,
                                            Scoreboard* board, const SpawnSettings& settings) {
  absl::StatusOr<PacketPair> control = SeqPacketPair(kControlBufferBytes);
  if (!control.ok()) return control.status();
  ProcessSetup setup;
  setup.slot = slot;
  setup.pool = pool;
  setup.incarnation = incarnation;
  setup.generation = generation.number();
  setup.bay = generation.place().bay;
  setup.first_worker = generation.place().first_worker;
  setup.config = &generation.config();
  setup.scoreboard = board;
  setup.control = std::move(control->receive_end);
  setup.payload_budget_bytes = generation.sizing().payload_budget_bytes;
  if (role.role == Role::kWorker) {
    setup.listeners = generation.listeners().sockets();
    setup.fingerprint_secret = settings.fingerprint_secret;
    setup.access_logs = generation.access_logs().files();
  }
  if (role.role == Role::kAdmin) {
    setup.listeners = generation.admin_listeners().sockets();
    setup.has_siblings = false;
  }

  OwnedFd output;
  if (role.role == Role::kZygote) {
    absl::StatusOr<OwnedFd> created = CreateCapturedOutput();
    if (!created.ok()) return created.status();
    output = *std::move(created);
    setup.output = output.get();
  }

  const pid_t master = ::getpid();
  setup.master = master;
  const absl::StatusOr<pid_t> pid = Fork();
  if (!pid.ok()) return pid.status();
  if (*pid == 0) BecomeRole(role, generation, std::move(setup), master, settings);
  absl::StatusOr<OwnedFd> pidfd = PidfdOpen(*pid);
  if (!pidfd.ok()) {
    // Without a pidfd it cannot be supervised. It is our unreaped child, so its pid is still its
    // own.
    ::kill(*pid, SIGKILL);
    ReapStranger(*pid);
    return pidfd.status();
  }
  return SpawnedProcess{*pid, *std::move(pidfd), std::move(control->send_end), std::move(output)};
}

}  // namespace windlass
