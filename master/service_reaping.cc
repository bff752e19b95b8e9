// The part of master/service.h that buries children.
#include "common/posix.h"
#include "master/service.h"

namespace windlass {

void Service::ReapChildren(absl::FunctionRef<bool(pid_t)> claimed) {
  reap_again_ = false;
  for (int i = 0; i < 64; ++i) {
    const pid_t pid = PeekExitedChild();
    if (pid <= 0) return;
    bool known = claimed(pid);
    for (Supervisor* supervisor : supervisors()) known = known || supervisor->OnChildExited(pid);
    if (known) continue;
    // A zygote may have made it, and not be heard yet.
    bool awaited = false;
    for (Supervisor* supervisor : supervisors()) {
      supervisor->TakeClones();
      known = known || supervisor->OnChildExited(pid);
      awaited = awaited || supervisor->AwaitsClones();
    }
    if (!known && awaited) break;
    if (!known) ReapStranger(pid);
  }
  reap_again_ = true;
}

}  // namespace windlass
