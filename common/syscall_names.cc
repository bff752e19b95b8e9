#include "common/syscall_names.h"

#include <seccomp.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace windlass {

std::optional<int> SyscallNumber(const std::string& name) {
  const int number = seccomp_syscall_resolve_name(name.c_str());
  if (number < 0) return std::nullopt;  // unknown, or libseccomp's own number for what is not here
  return number;
}

bool IsSyscallName(const std::string& name) {
  return seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR;
}

std::string SyscallName(int number) {
  const std::unique_ptr<char, void (*)(void*)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), &free);
  return name == nullptr ? absl::StrCat("system call ", number) : std::string(name.get());
}

SyscallShape ShapeOf(int number) {
  switch (number) {
#ifdef SYS_open
    case SYS_open:
      return {3, 0};
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_mkdir:
      return {2, 0};
    case SYS_unlink:
    case SYS_rmdir:
      return {1, 0};
    case SYS_fork:
    case SYS_vfork:
      return {0, -1};
#endif
    case SYS_openat:
    case SYS_openat2:
      return {4, 1};
    case SYS_newfstatat:
      return {4, 1};
    case SYS_statx:
    case SYS_execveat:
      return {5, 1};
    case SYS_faccessat:
    case SYS_unlinkat:
    case SYS_mkdirat:
      return {3, 1};
    case SYS_execve:
      return {3, 0};
    case SYS_socket:
    case SYS_connect:
    case SYS_bind:
    case SYS_mprotect:
    case SYS_tgkill:
    case SYS_fcntl:
    case SYS_ioctl:
      return {3, -1};
    case SYS_kill:
    case SYS_tkill:
    case SYS_unshare:
    case SYS_setns:
      return {2, -1};
    case SYS_ptrace:
    case SYS_socketpair:
    case SYS_prlimit64:
      return {4, -1};
    case SYS_clone:
    case SYS_prctl:
    case SYS_mount:
      return {5, -1};
    default:
      return {};
  }
}

}  // namespace windlass
