#ifndef WINDLASS_WORKER_POOL_SANDBOX_H_
#define WINDLASS_WORKER_POOL_SANDBOX_H_

#include <linux/filter.h>

#include <vector>

#include "absl/status/statusor.h"
#include "common/config.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: shuts a process in, for good, all its threads, with whatever it starts: a seccomp filter
// (seccomp(2)) made by libseccomp, and NO_NEW_PRIVS. A system call that the filter forbids is not
// made, and the process gets SIGSYS, of which it dies (stack_sampler.h writes down which it was).
//
//   strict  what it has: its memory (none of it executable from now on), its descriptors, memory
//           files, the clock, its own end. No open, no socket, no exec, no fork, no thread.
//   basic   all but: exec, ptrace and other processes' memory, signals to other processes, sockets
//           other than unix, mount, namespaces, modules, keys, bpf, perf, and the like.
//   off     all.
//
// `sandbox_allow` are names of system calls that are allowed all the same. Made by a zygote, which
// takes half a millisecond, and entered by its clones before their first job, which takes none.
// Blocking: never.
class Sandbox {
 public:
  // Errors: libseccomp refuses.
  static absl::StatusOr<Sandbox> Compile(const PoolConfig& pool);
  // Returns, with sandbox_log_only, a descriptor on which whoever has it is asked about each
  // forbidden call while it waits (seccomp_unotify(2)); else an invalid one. Errors: the kernel
  // refuses.
  absl::StatusOr<OwnedFd> Enter() const;

 private:
  std::vector<sock_filter> program_;  // empty: off. Where it compares with the process's own id is
                                      // kSelf
  bool asks_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_SANDBOX_H_
