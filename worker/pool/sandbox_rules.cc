#include "worker/pool/sandbox_rules.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/log.h"

namespace windlass {
namespace {

constexpr uint32_t kNoSuchCall = SCMP_ACT_ERRNO(ENOSYS);
constexpr uint32_t kNotPermitted = SCMP_ACT_ERRNO(EPERM);
constexpr uint64_t kIntBits = UINT32_MAX;  // of an argument that the kernel takes as an int

scmp_arg_cmp Is(unsigned argument, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, kIntBits, value};
}
scmp_arg_cmp IsNot(unsigned argument, uint64_t value) { return {argument, SCMP_CMP_NE, value, 0}; }
scmp_arg_cmp HasAll(unsigned argument, uint64_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, bits, bits};
}
scmp_arg_cmp HasNone(unsigned argument, uint64_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, bits, 0};
}

// Takes arguments as they are: none of these reaches anything that the process does not have.
constexpr const char* kStrictCalls[] = {
    // memory
    "brk", "madvise", "membarrier", "mincore", "mlock", "mlock2", "mremap", "msync", "munlock",
    "munmap",
    // what its descriptors lead to
    "close", "close_range", "dup", "dup2", "dup3", "epoll_create1", "epoll_ctl", "epoll_pwait",
    "epoll_pwait2", "epoll_wait", "eventfd2", "fadvise64", "fallocate", "fstat", "fstatfs",
    "ftruncate", "getpeername", "getsockname", "getsockopt", "lseek", "memfd_create", "pipe",
    "pipe2", "poll", "ppoll", "pread64", "preadv", "pselect6", "pwrite64", "pwritev", "read",
    "readv", "recvfrom", "recvmsg", "select", "sendmsg", "sendto", "shutdown", "write", "writev",
    // clock
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
    "times",
    // locks between its own threads, scheduling
    "futex", "getcpu", "rseq", "sched_yield", "set_robust_list",
    // itself
    "exit", "exit_group", "getegid", "geteuid", "getgid", "getgroups", "getpid", "getppid",
    "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "gettid", "getuid",
    "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "setrlimit", "sigaltstack", "sysinfo", "uname",
    // what is only to be narrowed
    "seccomp"};

SandboxRules Strict(uint32_t forbid, uint32_t self) {
  SandboxRules strict{forbid, {}};
  for (const char* name : kStrictCalls) strict.rules.push_back({name, SCMP_ACT_ALLOW});
  const auto allow = [&strict](const char* name, std::vector<scmp_arg_cmp> arguments) {
    strict.rules.push_back({name, SCMP_ACT_ALLOW, std::move(arguments)});
  };
  // No new code.
  for (const char* name : {"mmap", "mprotect"}) allow(name, {HasNone(2, PROT_EXEC)});
  // To itself, as abort(3) does.
  for (const char* name : {"kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"})
    allow(name, {Is(0, self)});
  for (const char* name : {"prlimit64", "get_robust_list", "sched_getaffinity", "sched_getparam",
                           "sched_getscheduler"}) {
    allow(name, {Is(0, 0)});
  }
  // fstat(3) is this one with an empty path.
  allow("newfstatat", {Is(3, AT_EMPTY_PATH)});
  for (const int command :
       {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GET_SEALS, F_ADD_SEALS}) {
    allow("fcntl", {Is(1, static_cast<uint64_t>(command))});
  }
  for (const int request : {SIOCINQ, SIOCOUTQ, TCGETS}) {
    allow("ioctl", {Is(1, static_cast<uint64_t>(request))});
  }
  for (const int option : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE}) {
    allow("prctl", {Is(0, static_cast<uint64_t>(option))});
  }
  // Its flags are not to be seen by a filter; who is told that it is not there takes clone(2).
  strict.rules.push_back({"clone3", kNoSuchCall});
  return strict;
}

constexpr const char* kForbiddenCalls[] = {
    // programs
    "execve", "execveat",
    // other processes
    "migrate_pages", "pidfd_getfd", "pidfd_send_signal", "process_madvise", "process_mrelease",
    "process_vm_readv", "process_vm_writev", "ptrace", "tkill",
    // the file system's shape
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
    "open_by_handle_at", "open_tree", "pivot_root", "swapoff", "swapon", "umount", "umount2",
    // namespaces
    "setns", "unshare",
    // the kernel
    "acct", "add_key", "bpf", "create_module", "delete_module", "finit_module", "init_module",
    "ioperm", "iopl", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie",
    "perf_event_open", "quotactl", "quotactl_fd", "reboot", "request_key", "syslog", "userfaultfd",
    "vm86", "vm86old",
    // the clock and names of the machine
    "adjtimex", "clock_adjtime", "clock_settime", "setdomainname", "sethostname", "settimeofday",
    "stime", "vhangup"};

// Libraries try these and go on without: GLib asks for a scheduling class, OpenMP binds threads.
constexpr const char* kRefusedCalls[] = {"ioprio_set", "sched_setattr", "sched_setscheduler"};

SandboxRules Basic(uint32_t forbid, uint32_t self) {
  SandboxRules basic{SCMP_ACT_ALLOW, {}};
  for (const char* name : kForbiddenCalls) basic.rules.push_back({name, forbid});
  const auto forbid_if = [&](const char* name, std::vector<scmp_arg_cmp> arguments) {
    basic.rules.push_back({name, forbid, std::move(arguments)});
  };
  forbid_if("socket", {IsNot(0, AF_UNIX)});
  // Signals: to itself only, and it must not have others get them.
  for (const char* name : {"kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"})
    forbid_if(name, {IsNot(0, self)});
  for (const int command : {F_SETOWN, F_SETOWN_EX, F_SETSIG}) {
    forbid_if("fcntl", {Is(1, static_cast<uint64_t>(command))});
  }
  for (const int request : {FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX}) {
    forbid_if("ioctl", {Is(1, static_cast<uint64_t>(request))});
  }
  // Only itself: 0.
  for (const char* name : {"prlimit64", "sched_setparam", "sched_setaffinity"}) {
    basic.rules.push_back({name, kNotPermitted, {IsNot(0, 0)}});
  }
  basic.rules.push_back({"setpriority", kNotPermitted, {IsNot(0, PRIO_PROCESS)}});
  basic.rules.push_back({"setpriority", kNotPermitted, {IsNot(1, 0)}});
  for (const char* name : kRefusedCalls) basic.rules.push_back({name, kNotPermitted});
  // The end of the master is its end.
  forbid_if("prctl", {Is(0, PR_SET_PDEATHSIG)});
  forbid_if("prctl", {Is(0, PR_SCHED_CORE)});
  for (const int flag : {CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID,
                         CLONE_NEWNET, CLONE_NEWCGROUP, CLONE_PARENT}) {
    forbid_if("clone", {HasAll(0, static_cast<uint64_t>(flag))});
  }
  // Its flags are not to be seen by a filter; who is told that it is not there takes clone(2).
  basic.rules.push_back({"clone3", kNoSuchCall});
  // Would make calls past any filter. Libraries try it, and go on without.
  for (const char* name : {"io_uring_setup", "io_uring_enter", "io_uring_register"}) {
    basic.rules.push_back({name, kNotPermitted});
  }
  return basic;
}

}  // namespace

SandboxRules RulesOf(SandboxLevel level, uint32_t forbid, uint32_t self) {
  CHECK(level != SandboxLevel::kOff);
  return level == SandboxLevel::kStrict ? Strict(forbid, self) : Basic(forbid, self);
}

}  // namespace windlass
