#include "master/privileges.h"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace windlass {
namespace {

// By convention of every Linux distribution and of the kernel (overflowuid); looking it up would
// need the name service, which is not to be had in a bare container.
constexpr uid_t kNobody = 65534;

absl::Status Failed(absl::string_view what) { return absl::ErrnoToStatus(errno, what); }

}  // namespace

bool RunningAsRoot() { return ::geteuid() == 0; }

absl::Status BecomeNobody() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Failed("PR_SET_NO_NEW_PRIVS");
  if (!RunningAsRoot()) return absl::OkStatus();
  if (::setgroups(0, nullptr) != 0) return Failed("setgroups");
  if (::setresgid(kNobody, kNobody, kNobody) != 0) return Failed("setresgid nobody");
  if (::setresuid(kNobody, kNobody, kNobody) != 0) return Failed("setresuid nobody");
  return absl::OkStatus();
}

void NameProcess(const std::string& name) { ::prctl(PR_SET_NAME, name.c_str(), 0, 0, 0); }

}  // namespace windlass
