#include "worker/pool/run_pool.h"

#include <unistd.h>

#include <memory>
#include <optional>

#include "common/captured_output.h"
#include "common/control_channel.h"
#include "common/log.h"
#include "proto/control.pb.h"
#include "worker/handlers/handler_set.h"
#include "worker/pool/job_loop.h"

namespace windlass {

namespace {

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

}  // namespace

int RunPool(ProcessSetup setup) {
  ControlChannel control(std::move(setup.control));
  proto::Report report;
  std::optional<OutputCapture> output;
  if (absl::Status captured = CaptureOutput(setup.output, &output); !captured.ok()) {
    report.mutable_failed()->set_why(captured.ToString());
    control.Send(report);
    return 1;
  }
  absl::StatusOr<HandlerSet> handlers = HandlerSet::Load(*setup.config);
  const absl::Status started = handlers.ok() ? handlers->Start() : handlers.status();
  if (!started.ok()) {
    report.mutable_failed()->set_why(std::string(started.message()));
    control.Send(report);
    return 1;
  }
  absl::StatusOr<std::unique_ptr<JobLoop>> loop =
      JobLoop::Create(std::move(setup), &control, *std::move(handlers), std::move(output));
  if (!loop.ok()) {
    report.mutable_failed()->set_why(loop.status().ToString());
    control.Send(report);
    return 1;
  }
  report.mutable_ready();
  if (control.Send(report) != PacketOutcome::kDone) return 1;
  return (*loop)->Run();
}

}  // namespace windlass
