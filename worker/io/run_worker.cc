#include "worker/io/run_worker.h"

#include "common/control_channel.h"
#include "common/log.h"
#include "proto/control.pb.h"
#include "worker/io/io_loop.h"

namespace windlass {

int RunWorker(ProcessSetup setup) {
  ControlChannel control(std::move(setup.control));
  proto::Report report;
  const auto fail = [&](const absl::Status& why) {
    report.mutable_failed()->set_why(why.ToString());
    control.Send(report);
    return 1;
  };
  absl::StatusOr<std::unique_ptr<Selector>> selector =
      Selector::Create(setup.config->workers.selector);
  if (!selector.ok()) return fail(selector.status());
  IoLoop loop(std::move(setup), &control, *std::move(selector));
  if (absl::Status started = loop.Start(); !started.ok()) return fail(started);
  report.mutable_ready();
  if (control.Send(report) != PacketOutcome::kDone) return 1;
  return loop.Run();
}

}  // namespace windlass
