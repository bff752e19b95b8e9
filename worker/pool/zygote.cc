#include "worker/pool/zygote.h"

#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/log_command.h"
#include "common/posix.h"
#include "worker/handlers/charset.h"
#include "worker/pool/run_pool.h"
#include "worker/pool/stack_sampler.h"
#include "worker/pool/symbolizer.h"

namespace windlass {
namespace {

constexpr int kTellMs = 1000;  // while there are swallowed log lines to tell of

}  // namespace

Zygote::Zygote(ProcessSetup setup)
    : setup_(std::move(setup)),
      control_(std::make_unique<ControlChannel>(std::move(setup_.control))) {}

absl::Status Zygote::Load() {
  if (absl::Status captured = CaptureOutput(setup_.output, &output_); !captured.ok()) {
    return captured;
  }
  // So that the master can say whose Preload it was that crashed or hung.
  ProcessSlot& slot = setup_.scoreboard->MutableSlot(setup_.slot);
  absl::StatusOr<HandlerSet> handlers =
      HandlerSet::Load(*setup_.config, setup_.pool,
                       [&slot](uint32_t handler) { slot.job_handler.store(handler + 1); });
  slot.job_handler.store(0);
  if (!handlers.ok()) return handlers.status();
  handlers_ = *std::move(handlers);
  const PoolConfig& pool = setup_.config->pools[setup_.pool];
  absl::StatusOr<Sandbox> sandbox = Sandbox::Compile(pool);
  if (!sandbox.ok()) return sandbox.status();
  sandbox_ = *std::move(sandbox);
  PrimeUnwinding();
  InitSymbolizer();
  if (pool.sandbox == SandboxLevel::kStrict) LoadCommonCharsets();
  return absl::OkStatus();
}

int Zygote::Run() {
  proto::Report report;
  if (absl::Status loaded = Load(); !loaded.ok()) {
    report.mutable_failed()->set_why(std::string(loaded.message()));
    control_->Send(report);
    return 1;
  }
  LogOutput();
  report.mutable_ready();
  if (control_->Send(report) != PacketOutcome::kDone) return 1;
  proto::Command command;
  for (;;) {
    switch (control_->Receive(&command)) {
      case ControlChannel::Outcome::kEmpty: {
        LogOutput();
        pollfd wait = {control_->fd(), POLLIN, 0};
        if (!Poll(absl::MakeSpan(&wait, 1), LogLimit::any_swallowed() ? kTellMs : -1).ok())
          return 1;
        LogLimit::TellSwallowed(MonotonicNow());
        continue;
      }
      case ControlChannel::Outcome::kPeerGone:
        return 0;
      case ControlChannel::Outcome::kMalformed:
        continue;
      case ControlChannel::Outcome::kMessage:
        break;
    }
    if (command.has_drain()) return 0;
    if (IsLogCommand(command)) ObeyLogCommand(command, control_.get());
    if (command.has_symbolize()) Symbolize(command.symbolize());
    if (command.has_clone() && Clone(command.clone())) return RunClone();
  }
}

void Zygote::LogOutput() {
  if (!output_ || output_->empty()) return;
  LogPrinted("loading", output_->Take(), &output_limit_, MonotonicNow());
}

bool Zygote::Clone(const proto::Command::Clone& command) {
  LogOutput();  // else the clone would print it again
  proto::Report report;
  proto::Report::Cloned& cloned = *report.mutable_cloned();
  cloned.set_slot(command.slot());
  cloned.set_incarnation(command.incarnation());
  if (control_->fds().size() != 2) {
    cloned.set_failed("the zygote has no room for its descriptors");
    control_->Send(report);
    return false;
  }
  OwnedFd control = std::move(control_->fds()[0]), output = std::move(control_->fds()[1]);
  const absl::StatusOr<Sibling> sibling = CloneSibling();
  if (sibling.ok() && sibling->pid == 0) {
    setup_.slot = SlotIndex{command.slot()};
    setup_.incarnation = command.incarnation();
    clone_name_ = command.name();
    setup_.control = std::move(control);
    clone_output_ = std::move(output);
    return true;
  }
  if (!sibling.ok()) {
    cloned.set_failed(sibling.status().ToString());
    control_->Send(report);
    return false;
  }
  Bump(setup_.scoreboard->MutableSlot(setup_.slot).jobs_done);
  const int pidfd = sibling->pidfd.get();
  control_->Send(report, absl::MakeConstSpan(&pidfd, 1));
  return false;
}

// What a new process must do, and undo of the zygote's, before it is a pool process.
int Zygote::RunClone() {
  control_.reset();
  SetParentDeathSignal(SIGKILL);  // a clone does not inherit it
  if (::getppid() != setup_.master) return 0;
  InitLog(clone_name_, CurrentLogLevel());
  NameProcess(absl::StrCat("wl-", clone_name_));
  if (absl::Status entered = setup_.scoreboard->EnterChild(setup_.slot); !entered.ok()) {
    LOG(ERROR) << "scoreboard: " << entered.ToString();
    return 1;
  }
  ProcessSlot& slot = setup_.scoreboard->MutableSlot(setup_.slot);
  slot.pid.store(::getpid());
  CountLogLinesIn(&slot.log_lines_dropped, &slot.log_lines_limited);
  output_.reset();
  if (setup_.output >= 0) ::close(setup_.output);
  setup_.output = clone_output_.Take();
  return RunPool(std::move(setup_), *std::move(handlers_), sandbox_);
}

void Zygote::Symbolize(const proto::Command::Symbolize& command) {
  proto::Report report;
  proto::Report::Symbolized& answer = *report.mutable_symbolized();
  answer.set_number(command.number());
  for (int i = 0; i < command.addresses_size(); ++i) {
    answer.add_lines(SymbolizeAddress(command.addresses(i), /*is_return_address=*/i > 0));
  }
  control_->Send(report);
}

int RunZygote(ProcessSetup setup) { return Zygote(std::move(setup)).Run(); }

}  // namespace windlass
