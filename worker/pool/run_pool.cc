#include "worker/pool/run_pool.h"

#include <memory>
#include <vector>

#include "common/control_channel.h"
#include "common/log.h"
#include "proto/control.pb.h"
#include "worker/handlers/registry.h"
#include "worker/pool/job_loop.h"

namespace windlass {

int RunPool(ProcessSetup setup) {
  ControlChannel control(std::move(setup.control));
  proto::Report report;
  std::vector<std::unique_ptr<Handler>> handlers;
  for (const HandlerConfig& config : setup.config->handlers) {
    absl::StatusOr<std::unique_ptr<Handler>> made = MakeHandler(config);
    if (!made.ok()) {
      report.mutable_failed()->set_why(std::string(made.status().message()));
      control.Send(report);
      return 1;
    }
    handlers.push_back(*std::move(made));
  }
  absl::StatusOr<std::unique_ptr<JobLoop>> loop =
      JobLoop::Create(std::move(setup), &control, std::move(handlers));
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
