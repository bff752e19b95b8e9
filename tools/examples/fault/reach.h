#ifndef WINDLASS_TOOLS_EXAMPLES_FAULT_REACH_H_
#define WINDLASS_TOOLS_EXAMPLES_FAULT_REACH_H_

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Tries to reach what lies outside of the process that a handler runs in. They return 0, or the
// errno with which that failed.

namespace windlass::fault {

// Opens it for reading and reads a byte. Blocking: never.
int OpenAndRead(const std::string& path);
// `address`: 127.0.0.1:80, or the path of a unix socket. Blocking: up to five seconds, then
// EINPROGRESS. InvalidArgument: no address.
absl::StatusOr<int> ConnectTo(const std::string& address);
// Appends to the file, which it makes if need be.
int AppendLine(const std::string& path, absl::string_view line);
// A child that does nothing for that long and ends; nobody waits for it. Its pid is in `pid`.
int ForkSleeper(absl::Duration life, pid_t* pid);

}  // namespace windlass::fault

#endif  // WINDLASS_TOOLS_EXAMPLES_FAULT_REACH_H_
