#ifndef WINDLASS_TOOLS_EXAMPLES_FAULT_CALLS_H_
#define WINDLASS_TOOLS_EXAMPLES_FAULT_CALLS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace windlass::fault {

// Makes the system call that goes by `name` in a list of those that a sandbox may forbid, with
// arguments that do no harm when it does not. Returns 0, or the errno with which it failed.
// InvalidArgument: no such name. Blocking: never.
absl::StatusOr<int> TryCall(absl::string_view name);
std::vector<std::string> CallNames();

}  // namespace windlass::fault

#endif  // WINDLASS_TOOLS_EXAMPLES_FAULT_CALLS_H_
