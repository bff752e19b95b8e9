// The part of master/supervisor.h that tries a sandbox: what it forbids is logged, and done. See
// seccomp_unotify(2).
#include <errno.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/log.h"
#include "common/posix.h"
#include "common/syscall_names.h"
#include "master/supervisor.h"

namespace windlass {
namespace {

// An ioctl(2) on what is not a filter's would be anything, so it is taken only before the process
// runs what is not ours.
bool MaySay(Child& child, const Config& config) {
  return child.is_pool() && child.state == ChildState::kStarting && !child.sandbox.valid() &&
         config.pools[child.pool].sandbox_log_only && child.control->fds().size() == 1;
}

std::string DescribeCall(const seccomp_data& call) {
  std::vector<std::string> arguments;
  for (int i = 0; i < ShapeOf(call.nr).arguments; ++i) {
    arguments.push_back(absl::StrCat("0x", absl::Hex(call.args[i])));
  }
  return absl::StrCat(SyscallName(call.nr), "(", absl::StrJoin(arguments, ", "), ")");
}

}  // namespace

void Supervisor::WatchSandbox(Child& child) {
  if (!MaySay(child, generation_.config())) return;
  child.sandbox = std::move(child.control->fds()[0]);
  const uint64_t bay = generation_.place().bay;
  const absl::Status watched =
      selector_->Register(child.sandbox.get(), kReadable,
                          SelectorToken{kSandboxKind << 56 | bay << 48 | child.id.value});
  if (!watched.ok()) child.sandbox.Reset();  // what is forbidden fails with ENOSYS
}

void Supervisor::AnswerSandbox(Child& child) {
  if (!child.sandbox.valid()) return;
  seccomp_notif asked = {};
  // Without a question it would wait for one.
  pollfd waiting = {child.sandbox.get(), POLLIN, 0};
  if (!Poll(absl::MakeSpan(&waiting, 1), 0).ok() || (waiting.revents & POLLIN) == 0) {
    if (waiting.revents == 0) return;
    Unwatch(child.sandbox.get());
    return child.sandbox.Reset();
  }
  if (::ioctl(child.sandbox.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) {
    if (errno == EINTR || errno == ENOENT) return;  // whoever asked is gone
    Unwatch(child.sandbox.get());
    return child.sandbox.Reset();
  }
  LOG_LIMITED(WARNING, sandbox_log_, timers_->now())
      << "sandbox_log_only: " << NameOf(child) << " (pid " << child.pid
      << ") would have ended: " << DescribeJob(child, board_->slot(*child.slot).job.load())
      << " makes " << DescribeCall(asked.data);
  seccomp_notif_resp answer = {};
  answer.id = asked.id;
  answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  (void)::ioctl(child.sandbox.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);  // gone: nobody waits
}

}  // namespace windlass
