#ifndef WINDLASS_COMMON_LOG_COMMAND_H_
#define WINDLASS_COMMON_LOG_COMMAND_H_

#include "common/control_channel.h"

namespace windlass::proto {
class Command;
}

namespace windlass {

// What every child does when the master says where lines go, how they look, or from which level on;
// `command` is the last one that was received on `control`. A file is acknowledged.
bool IsLogCommand(const proto::Command& command);
void ObeyLogCommand(const proto::Command& command, ControlChannel* control);

}  // namespace windlass

#endif  // WINDLASS_COMMON_LOG_COMMAND_H_
