#ifndef WINDLASS_COMMON_LOG_COMMAND_H_
#define WINDLASS_COMMON_LOG_COMMAND_H_

#include "common/control_channel.h"

namespace windlass::proto {
class Command;
}

namespace windlass {

// What every child does when the master says where lines go, or from which level on; `command` is
// the last one that was received on `control`. A file is acknowledged.
void ObeyLogCommand(const proto::Command& command, ControlChannel* control);

}  // namespace windlass

#endif  // WINDLASS_COMMON_LOG_COMMAND_H_
