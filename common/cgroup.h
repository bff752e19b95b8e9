#ifndef WINDLASS_COMMON_CGROUP_H_
#define WINDLASS_COMMON_CGROUP_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace windlass {

// One directory whose limit files apply to this process.
struct CgroupDirectory {
  bool v2 = false;
  std::string path;  // as this process sees it, without the fake root of a test
};

// Every cgroup directory that limits this process for `controller` ("cpu", "memory"), v2 first: its
// own cgroup and all above it up to the mount point. Found through ROOT/proc/self/cgroup and
// ROOT/proc/self/mountinfo, or in the conventional places where those say nothing. Directories may
// not exist: a limit file that cannot be read limits nothing. Blocking: reads of /proc.
std::vector<CgroupDirectory> CgroupDirectories(absl::string_view root,
                                               absl::string_view controller);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CGROUP_H_
