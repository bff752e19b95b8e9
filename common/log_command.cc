#include "common/log_command.h"

#include "common/log.h"
#include "common/posix.h"
#include "proto/control.pb.h"

namespace windlass {

bool IsLogCommand(const proto::Command& command) {
  return command.has_log_to() || command.has_log_level() || command.has_log_format();
}

void ObeyLogCommand(const proto::Command& command, ControlChannel* control) {
  if (command.has_log_level()) {
    LogLevel level = LogLevel::INFO;
    if (!ParseLogLevel(command.log_level().level(), &level)) return;
    SetLogLevel(level);
    LOG(DEBUG) << "log level is " << LogLevelName(level);
    return;
  }
  if (command.has_log_format()) {
    LogFormat format = LogFormat::kText;
    if (ParseLogFormat(command.log_format().format(), &format)) SetLogFormat(format);
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
