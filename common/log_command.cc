#include "common/log_command.h"

#include "common/log.h"
#include "common/posix.h"
#include "proto/control.pb.h"

namespace windlass {

void ObeyLogCommand(const proto::Command& command, ControlChannel* control) {
  if (command.has_log_level()) {
    LogLevel level = LogLevel::INFO;
    if (ParseLogLevel(command.log_level().level(), &level)) SetLogLevel(level);
    return;
  }
  if (!command.has_log_to()) return;
  // Without a descriptor (this process is at its limit) lines go on where they went.
  if (!control->fds().empty()) SetLogFd(std::move(control->fds()[0]));
  proto::Report report;
  report.mutable_log_taken()->set_number(command.log_to().number());
  control->Send(report);
}

}  // namespace windlass
