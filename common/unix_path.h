#ifndef WINDLASS_COMMON_UNIX_PATH_H_
#define WINDLASS_COMMON_UNIX_PATH_H_

#include <string>

#include "absl/status/status.h"
#include "common/address.h"

// The file system's side of unix sockets, and what address families leave to their users.

namespace windlass {

// Removes a socket's file. OK when there is none; FailedPrecondition when it is something else,
// which stays.
absl::Status RemoveSocketFile(const std::string& path);
// mode < 0, "" = leave as it is. Errors name the path, the user or the group.
absl::Status SetSocketFileAccess(const std::string& path, int mode, const std::string& owner,
                                 const std::string& group);
// Gives `address` the port that `bound_fd` is bound to, if it has port 0.
void CopyPort(int bound_fd, SocketAddress* address);

}  // namespace windlass

#endif  // WINDLASS_COMMON_UNIX_PATH_H_
