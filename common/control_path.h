#ifndef WINDLASS_COMMON_CONTROL_PATH_H_
#define WINDLASS_COMMON_CONTROL_PATH_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"

// Where the control socket is when nobody says where. It is control.sock in one of these
// directories, and this is their order:
//   $RUNTIME_DIRECTORY (the first, if systemd names several), $XDG_RUNTIME_DIR/windlass,
//   /run/windlass, /tmp/windlass-UID
// A variable that is empty or holds no absolute path counts as not set. Blocking: never.

namespace windlass {

// As getenv: null when the variable is not set.
using EnvironmentLookup = absl::FunctionRef<const char*(const char* name)>;

// Where a server puts it: the first of the list, but /run/windlass only if it is root's, and
// /tmp/windlass-UID only if it is not. The directory may not exist yet, and in /tmp somebody else
// may have made it: whoever binds there must check its owner.
std::string ServerControlPath();
std::string ServerControlPath(EnvironmentLookup environment, uid_t uid);

// Where the unit windlass@NAME.service has it: in /run/windlass-NAME.
std::string InstanceControlPath(const std::string& name);

// Where windlassctl looks for it: all of the list, without repetition. The first that exists is
// the one.
std::vector<std::string> ClientControlPaths();
std::vector<std::string> ClientControlPaths(EnvironmentLookup environment, uid_t uid);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONTROL_PATH_H_
