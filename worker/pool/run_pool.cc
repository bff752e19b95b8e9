#include "worker/pool/run_pool.h"

#include <unistd.h>

#include <utility>

#include "common/control_channel.h"
#include "common/log.h"
#include "common/log_command.h"
#include "common/pool_mark.h"
#include "proto/control.pb.h"
#include "worker/pool/job_loop.h"
#include "worker/pool/stack_sampler.h"

namespace windlass {
namespace {

// The master knows this process when it says so. False: it is gone, or wants no new process.
bool AwaitBegin(ControlChannel* control) {
  proto::Command command;
  for (;;) {
    switch (control->Receive(&command)) {
      case ControlChannel::Outcome::kEmpty: {
        pollfd wait = {control->fd(), POLLIN, 0};
        if (!Poll(absl::MakeSpan(&wait, 1), -1).ok()) return false;
        continue;
      }
      case ControlChannel::Outcome::kPeerGone:
        return false;
      case ControlChannel::Outcome::kMalformed:
        continue;
      case ControlChannel::Outcome::kMessage:
        break;
    }
    if (command.has_serve()) return true;
    if (command.has_drain()) return false;
    if (IsLogCommand(command)) ObeyLogCommand(command, control);
  }
}

absl::StatusOr<std::unique_ptr<JobLoop>> Begin(ProcessSetup setup, ControlChannel* control,
                                               HandlerSet handlers, const Sandbox& sandbox) {
  std::optional<OutputCapture> output;
  if (absl::Status captured = CaptureOutput(setup.output, &output); !captured.ok()) {
    return captured;
  }
  // Before anything of a handler's runs here, which could fork.
  if (absl::Status marked = MarkAsPoolProcess(); !marked.ok()) return marked;
  if (absl::Status started = handlers.Start(); !started.ok()) return started;
  ProcessSlot& slot = setup.scoreboard->MutableSlot(setup.slot);
  if (absl::Status installed = InstallStackSampler(&slot); !installed.ok()) return installed;
  absl::StatusOr<std::unique_ptr<JobLoop>> loop =
      JobLoop::Create(std::move(setup), control, std::move(handlers), std::move(output));
  if (!loop.ok()) return loop;
  if (absl::Status entered = (*loop)->EnterWalls(sandbox); !entered.ok()) return entered;
  return loop;
}

}  // namespace

absl::Status CaptureOutput(int file, std::optional<OutputCapture>* output) {
  if (file < 0) return absl::OkStatus();
  // Log lines go on where they went, which may be the standard error that handlers get.
  if (LogFd() == STDERR_FILENO) {
    absl::StatusOr<OwnedFd> log = Duplicate(STDERR_FILENO);
    if (!log.ok()) return log.status();
    SetLogFd(*std::move(log));
  }
  absl::StatusOr<OutputCapture> begun = OutputCapture::Begin(file);
  if (!begun.ok()) return begun.status();
  *output = *std::move(begun);
  return absl::OkStatus();
}

int RunPool(ProcessSetup setup, HandlerSet handlers, const Sandbox& sandbox) {
  ControlChannel control(std::move(setup.control));
  if (!AwaitBegin(&control)) return 0;
  proto::Report report;
  absl::StatusOr<std::unique_ptr<JobLoop>> loop =
      Begin(std::move(setup), &control, std::move(handlers), sandbox);
  if (!loop.ok()) {
    report.mutable_failed()->set_why(std::string(loop.status().message()));
    control.Send(report);
    return 1;
  }
  report.mutable_ready();
  if (control.Send(report) != PacketOutcome::kDone) return 1;
  return (*loop)->Run();
}

}  // namespace windlass
