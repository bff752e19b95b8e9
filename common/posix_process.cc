// The process, signal and memory-file part of common/posix.h.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/posix.h"

namespace windlass {
namespace {

absl::Status Failed(absl::string_view what) { return absl::ErrnoToStatus(errno, what); }

}  // namespace

absl::StatusOr<pid_t> Fork() {
  const pid_t pid = ::fork();
  if (pid < 0) return Failed("fork");
  return pid;
}

absl::StatusOr<Sibling> CloneSibling() {
  // glibc remembers the thread's id; its fork() has the kernel write the new one there, so do we.
  int* thread_id = nullptr;
  if (::prctl(PR_GET_TID_ADDRESS, &thread_id) != 0) thread_id = nullptr;
  unsigned long flags = CLONE_PARENT | CLONE_PIDFD | SIGCHLD;
  if (thread_id != nullptr) flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  int pidfd = -1;
  // Architectures differ in the order of the last two; the other one is not looked at.
  const long pid = ::syscall(SYS_clone, flags, nullptr, &pidfd, thread_id, thread_id);
  if (pid < 0) return Failed("clone");
  Sibling sibling;
  sibling.pid = static_cast<pid_t>(pid);
  if (pid > 0) sibling.pidfd.Reset(pidfd);
  return sibling;
}

pid_t ChildOfPidfd(int pidfd) {
  siginfo_t info = {};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return 0;
  }
  if (info.si_pid != 0) return info.si_pid;
  const absl::StatusOr<OwnedFd> file = OpenReadOnly(absl::StrCat("/proc/self/fdinfo/", pidfd));
  if (!file.ok()) return 0;
  char text[512];
  const absl::StatusOr<size_t> size = ReadFd(file->get(), text, sizeof(text) - 1);
  if (!size.ok()) return 0;
  text[*size] = '\0';
  const char* const line = std::strstr(text, "\nPid:");
  int pid = 0;
  return line != nullptr && std::sscanf(line, "\nPid: %d", &pid) == 1 && pid > 0 ? pid : 0;
}

absl::StatusOr<OwnedFd> PidfdOpen(pid_t pid) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return Failed(absl::StrCat("pidfd_open ", pid));
  return OwnedFd(fd);
}

absl::Status PidfdSignal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0) {
    return Failed(absl::StrCat("pidfd_send_signal ", signal));
  }
  return absl::OkStatus();
}

std::optional<ExitStatus> ReapPidfd(int pidfd) {
  siginfo_t info = {};
  rusage usage = {};
  long result;
  do {  // the system call, because the function of the library does not tell what was used
    result = ::syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | WNOHANG, &usage);
  } while (result != 0 && errno == EINTR);
  if (result != 0 || info.si_pid == 0) return std::nullopt;
  const uint64_t peak = static_cast<uint64_t>(usage.ru_maxrss) << 10;
  return ExitStatus{info.si_code == CLD_EXITED, info.si_status, peak};
}

pid_t PeekExitedChild() {
  siginfo_t info = {};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return 0;
  return info.si_pid;
}

void ReapStranger(pid_t pid) {
  siginfo_t info = {};
  (void)::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
}

uint64_t ResidentBytes(pid_t pid) {
  const absl::StatusOr<OwnedFd> statm = OpenReadOnly(absl::StrCat("/proc/", pid, "/statm"));
  if (!statm.ok()) return 0;
  char text[128];
  const absl::StatusOr<size_t> size = ReadFd(statm->get(), text, sizeof(text) - 1);
  if (!size.ok()) return 0;
  text[*size] = '\0';
  unsigned long pages = 0;  // proc(5): size resident ...
  if (std::sscanf(text, "%*u %lu", &pages) != 1) return 0;
  return uint64_t{pages} * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<bool> HasBlocked(pid_t pid, int signal) {
  const absl::StatusOr<OwnedFd> status = OpenReadOnly(absl::StrCat("/proc/", pid, "/status"));
  if (!status.ok()) return std::nullopt;
  char text[4096];
  const absl::StatusOr<size_t> size = ReadFd(status->get(), text, sizeof(text) - 1);
  if (!size.ok()) return std::nullopt;
  text[*size] = '\0';
  const char* const line = std::strstr(text, "\nSigBlk:");
  unsigned long long mask = 0;  // proc(5): hexadecimal, signal 1 is the lowest bit
  if (line == nullptr || std::sscanf(line, "\nSigBlk: %llx", &mask) != 1) return std::nullopt;
  return (mask >> (signal - 1) & 1) != 0;
}

void NameProcess(const std::string& name) { ::prctl(PR_SET_NAME, name.c_str(), 0, 0, 0); }

void SetParentDeathSignal(int signal) { ::prctl(PR_SET_PDEATHSIG, signal); }

void BlockSignals(const sigset_t& signals) {
  CHECK(::sigprocmask(SIG_SETMASK, &signals, nullptr) == 0);
}

absl::StatusOr<OwnedFd> SignalFd(const sigset_t& signals) {
  const int fd = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return Failed("signalfd");
  return OwnedFd(fd);
}

bool TakeSignal(int signal_fd, SignalInfo* signal) {
  signalfd_siginfo info;
  ssize_t n;
  do {
    n = ::read(signal_fd, &info, sizeof(info));
  } while (n < 0 && errno == EINTR);
  if (n != sizeof(info)) return false;
  *signal = {static_cast<int>(info.ssi_signo), info.ssi_code, info.ssi_uid,
             static_cast<pid_t>(info.ssi_pid)};
  return true;
}

uint64_t RaiseDescriptorLimit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

void SetDumpable(bool dumpable) { (void)::prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0); }

void CloseAllFdsExcept(absl::Span<const int> keep) {
  std::vector<int> sorted(keep.begin(), keep.end());
  std::sort(sorted.begin(), sorted.end());
  unsigned first = 3;
  for (int fd : sorted) {
    if (fd < 3) continue;
    if (static_cast<unsigned>(fd) > first) {
      ::syscall(SYS_close_range, first, static_cast<unsigned>(fd) - 1, 0);
    }
    first = static_cast<unsigned>(fd) + 1;
  }
  ::syscall(SYS_close_range, first, ~0U, 0);
}

absl::StatusOr<OwnedFd> MemfdCreate(const char* name, uint64_t size) {
  OwnedFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return Failed("memfd_create");
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return Failed(absl::StrCat("ftruncate memfd to ", size));
  }
  return fd;
}

absl::Status AddSeals(int fd, int seals) {
  if (::fcntl(fd, F_ADD_SEALS, seals) != 0) return Failed("F_ADD_SEALS");
  return absl::OkStatus();
}

int GetSeals(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  return seals < 0 ? 0 : seals;
}

absl::StatusOr<FileIdentity> IdentifyFile(int fd) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return Failed("fstat");
  return FileIdentity{info.st_dev, info.st_ino, static_cast<uint64_t>(info.st_size),
                      S_ISREG(info.st_mode)};
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    Unmap();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void Mapping::Unmap() {
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

absl::StatusOr<Mapping> Mapping::Shared(int fd, size_t size, uint64_t offset, bool writable) {
  void* const at = ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                          fd, static_cast<off_t>(offset));
  if (at == MAP_FAILED) return Failed(absl::StrCat("mmap ", size, " bytes"));
  Mapping mapping;
  mapping.data_ = static_cast<char*>(at);
  mapping.size_ = size;
  return mapping;
}

absl::Status Mapping::ReplaceByReadOnly(int fd) {
  // MAP_FIXED takes the old mapping away and puts the new one there in one step.
  void* const at = ::mmap(data_, size_, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
  if (at == MAP_FAILED) return Failed(absl::StrCat("mmap ", size_, " bytes read-only"));
  return absl::OkStatus();
}

}  // namespace windlass
