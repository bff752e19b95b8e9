#include "tools/examples/fault/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "windlass/owned_fd.h"

namespace windlass::fault {
namespace {

int ErrnoOf(long result) { return result < 0 ? errno : 0; }

int Opens(int fd) {
  const int error = ErrnoOf(fd);
  const OwnedFd owned(fd);
  return error;
}

void* Page(int protection) {
  return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int Exec() {
  char* const arguments[] = {const_cast<char*>("/nowhere/true"), nullptr};
  return ErrnoOf(::execve(arguments[0], arguments, nullptr));
}

int ForkAndWait() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  if (child < 0) return errno;
  return ErrnoOf(::waitpid(child, nullptr, 0));
}

int MakeExecutable() {
  void* const page = Page(PROT_READ | PROT_WRITE);
  const int error = ErrnoOf(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
  ::munmap(page, 4096);
  return error;
}

int MapExecutable() {
  void* const page = Page(PROT_READ | PROT_WRITE | PROT_EXEC);
  if (page == MAP_FAILED) return errno;
  return ErrnoOf(::munmap(page, 4096));
}

int Connect() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  const OwnedFd read(ends[0]), write(ends[1]);
  const sockaddr nobody = {};
  return ErrnoOf(::connect(read.get(), &nobody, sizeof nobody));
}

int ReadMemoryOf(pid_t other) {
  char here = 0;
  const iovec to = {&here, 1}, from = {&here, 1};
  return ErrnoOf(::syscall(SYS_process_vm_readv, other, &to, 1, &from, 1, 0));
}

int RaiseLimitOf(pid_t other) {
  rlimit limit = {};
  return ErrnoOf(::syscall(SYS_prlimit64, other, RLIMIT_NOFILE, nullptr, &limit));
}

int NewNamespace() {
  const long child = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) ::_exit(0);
  return ErrnoOf(child);
}

int OpenOf(pid_t other, absl::string_view file) {
  return Opens(::open(absl::StrCat("/proc/", other, "/", file).c_str(), O_RDWR | O_CLOEXEC));
}

int SetOwner() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  const OwnedFd read(ends[0]), write(ends[1]);
  return ErrnoOf(::fcntl(read.get(), F_SETOWN, ::getppid()));
}

constexpr timespec kEpoch = {};

struct Call {
  absl::string_view name;
  int (*make)();
};
constexpr Call kCalls[] = {
    // what no sandbox forbids
    {"memory", [] { return ErrnoOf(::munmap(Page(PROT_READ | PROT_WRITE), 4096)); }},
    {"memfd", [] { return Opens(::memfd_create("x", MFD_CLOEXEC)); }},
    {"clock",
     [] {
       timespec now;
       return ErrnoOf(::clock_gettime(CLOCK_REALTIME, &now));
     }},
    {"kill-itself-0", [] { return ErrnoOf(::kill(::getpid(), 0)); }},
    {"tgkill-itself-0", [] { return ErrnoOf(::tgkill(::getpid(), ::gettid(), 0)); }},
    // files
    {"open", [] { return Opens(::open("/etc/hostname", O_RDONLY | O_CLOEXEC)); }},
    {"create", [] { return Opens(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)); }},
    {"unlink", [] { return ErrnoOf(::unlink("/nowhere/x")); }},
    {"stat",
     [] {
       struct stat status;
       return ErrnoOf(::stat("/", &status));
     }},
    // network
    {"socket", [] { return Opens(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }},
    {"socket-netlink", [] { return Opens(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)); }},
    {"socket-unix", [] { return Opens(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }},
    {"connect", Connect},
    // programs and processes
    {"exec", Exec},
    {"fork", ForkAndWait},
    {"namespace", NewNamespace},
    {"unshare", [] { return ErrnoOf(::unshare(CLONE_NEWUSER)); }},
    {"setns", [] { return ErrnoOf(::setns(0, 0)); }},
    {"ptrace", [] { return ErrnoOf(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr)); }},
    {"kill", [] { return ErrnoOf(::kill(::getppid(), 0)); }},
    {"kill-all", [] { return ErrnoOf(::kill(-1, 0)); }},
    {"tgkill", [] { return ErrnoOf(::tgkill(::getppid(), ::getppid(), 0)); }},
    {"pidfd-send-signal",
     [] { return ErrnoOf(::syscall(SYS_pidfd_send_signal, 0, 0, nullptr, 0)); }},
    {"set-owner", SetOwner},
    {"memory-of-other", [] { return ReadMemoryOf(::getppid()); }},
    {"limit-of-other", [] { return RaiseLimitOf(::getppid()); }},
    {"nice-of-other", [] { return ErrnoOf(::setpriority(PRIO_PROCESS, 1, 0)); }},
    {"affinity-of-thread",
     [] {
       cpu_set_t all;
       CPU_ZERO(&all);
       CPU_SET(0, &all);
       return ErrnoOf(::sched_setaffinity(::gettid(), sizeof all, &all));
     }},
    {"scheduling-class",
     [] { return ErrnoOf(::syscall(SYS_sched_setattr, ::gettid(), nullptr, 0)); }},
    {"thread",
     [] {
       std::thread([] {}).join();
       return 0;
     }},
    {"memory-file-of-other", [] { return OpenOf(::getppid(), "mem"); }},
    {"descriptor-of-other", [] { return OpenOf(::getppid(), "fd/0"); }},
    {"parent-death-signal", [] { return ErrnoOf(::prctl(PR_SET_PDEATHSIG, 0)); }},
    // the machine
    {"mount", [] { return ErrnoOf(::mount("x", "/nowhere", "tmpfs", 0, nullptr)); }},
    {"keyctl", [] { return ErrnoOf(::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, 0, 0)); }},
    {"bpf", [] { return ErrnoOf(::syscall(SYS_bpf, BPF_MAP_CREATE, nullptr, 0)); }},
    {"perf", [] { return ErrnoOf(::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0)); }},
    {"module", [] { return ErrnoOf(::syscall(SYS_finit_module, -1, "", 0)); }},
    {"reboot", [] { return ErrnoOf(::syscall(SYS_reboot, 0, 0, 0, nullptr)); }},
    {"set-clock", [] { return ErrnoOf(::clock_settime(-1, &kEpoch)); }},
    {"io-uring", [] { return ErrnoOf(::syscall(SYS_io_uring_setup, 0, nullptr)); }},
    {"userfaultfd", [] { return Opens(static_cast<int>(::syscall(SYS_userfaultfd, 0))); }},
    // new code
    {"executable-map", MapExecutable},
    {"executable-protect", MakeExecutable},
};

}  // namespace

absl::StatusOr<int> TryCall(absl::string_view name) {
  const auto* const found = std::find_if(std::begin(kCalls), std::end(kCalls),
                                         [name](const Call& call) { return call.name == name; });
  if (found != std::end(kCalls)) return found->make();
  return absl::InvalidArgumentError(
      absl::StrCat("name must be one of ", absl::StrJoin(CallNames(), ", ")));
}

std::vector<std::string> CallNames() {
  std::vector<std::string> names;
  for (const Call& call : kCalls) names.emplace_back(call.name);
  return names;
}

}  // namespace windlass::fault
