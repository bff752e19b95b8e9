#include "tools/examples/fault/harm.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

extern "C" {

__attribute__((visibility("default"), noinline)) void windlass_fault_hang() {
  volatile uint64_t turns = 0;  // an endless loop without effects would be undefined
  for (;;) turns = turns + 1;
}

__attribute__((visibility("default"), noinline)) void windlass_fault_hang_blocked() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  volatile uint64_t turns = 0;
  for (;;) turns = turns + 1;
}

}  // extern "C"

namespace windlass::fault {

// A sanitizer would report the write instead of letting it happen.
__attribute__((noinline, no_sanitize("address", "undefined"))) void WriteToNowhere() {
  volatile uintptr_t nowhere = 0x10;  // in the first page, which nobody may map
  *reinterpret_cast<volatile char*>(nowhere) = 1;
}

void RunIntoBreakpoint() {
#if defined(__x86_64__)
  __asm__ volatile("int3");
#else
  ::raise(SIGTRAP);
#endif
}

int MakeForbiddenCall() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    return errno;
  }
  ::getppid();
  return 0;
}

void TakeMemory(size_t bytes) {
  constexpr size_t kStep = size_t{1} << 20;  // small enough to be killed within a MiB of a limit
  std::vector<std::unique_ptr<char[]>> taken;
  for (size_t left = bytes; left > 0; left -= std::min(left, kStep)) {
    const size_t step = std::min(left, kStep);
    // Not make_unique: its zeros are all that the compiler needs to keep, and it may ask for zeroed
    // pages that nobody has written to.
    taken.emplace_back(new char[step]);
    std::memset(taken.back().get(), 0x5a, step);
    // What is written counts as read, or the compiler may leave it out.
    __asm__ volatile("" : : "r"(taken.back().get()) : "memory");
  }
}

}  // namespace windlass::fault
