#include "worker/pool/stack_sampler.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/syscall_names.h"
#include "worker/pool/call_handler.h"

namespace windlass {
namespace {

constexpr int kCrashSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
constexpr size_t kAlternateStackBytes = 64 << 10;     // unwinding takes some 10 KiB
constexpr int kRawFrames = StackSample::kFrames + 8;  // with those of the handler itself

constexpr int kSysSeccomp = 1;  // SYS_SECCOMP of the kernel, which glibc does not name

ProcessSlot* g_slot = nullptr;
pid_t g_process = 0;
alignas(64) char g_alternate_stack[kAlternateStackBytes];

// Where the signal found the process; 0 where we do not know how to tell.
uint64_t InterruptedAt(const void* context) {
  [[maybe_unused]] const auto* const machine = static_cast<const ucontext_t*>(context);
#if defined(__x86_64__)
  return static_cast<uint64_t>(machine->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return machine->uc_mcontext.pc;
#else
  return 0;
#endif
}

uint64_t PageOf(uint64_t address) { return address & ~uint64_t{4095}; }

// Text that ends with a NUL, as far as it is there: the address is anything.
void CopyPath(uint64_t address, ForbiddenCall* forbidden) {
  char text[ForbiddenCall::kPathBytes] = {};
  for (size_t i = 0; i < sizeof(text); ++i) {
    const uint64_t at = address + i;
    const bool is_new_page = i == 0 || PageOf(at) == at;
    if (is_new_page && ::msync(reinterpret_cast<void*>(PageOf(at)), 1, MS_ASYNC) != 0) break;
    text[i] = *reinterpret_cast<const volatile char*>(at);
    if (text[i] == '\0') break;
  }
  for (size_t i = 0; i < forbidden->path.size(); ++i) {
    uint64_t word = 0;
    std::memcpy(&word, text + 8 * i, 8);
    forbidden->path[i].store(word, std::memory_order_relaxed);
  }
}

// seccomp(2), SECCOMP_RET_TRAP.
void WriteForbiddenCall(const siginfo_t& info, const void* context) {
  ForbiddenCall& forbidden = g_slot->forbidden;
  forbidden.number.store(info.si_syscall, std::memory_order_relaxed);
  std::array<uint64_t, 6> arguments = {};
  [[maybe_unused]] const auto* const machine = static_cast<const ucontext_t*>(context);
#if defined(__x86_64__)
  static constexpr int kRegisters[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
  for (size_t i = 0; i < arguments.size(); ++i) {
    arguments[i] = static_cast<uint64_t>(machine->uc_mcontext.gregs[kRegisters[i]]);
  }
#elif defined(__aarch64__)
  for (size_t i = 0; i < arguments.size(); ++i) arguments[i] = machine->uc_mcontext.regs[i];
#endif
  for (size_t i = 0; i < arguments.size(); ++i) {
    forbidden.arguments[i].store(arguments[i], std::memory_order_relaxed);
  }
  const int path = ShapeOf(info.si_syscall).path;
  if (path >= 0) CopyPath(arguments[static_cast<size_t>(path)], &forbidden);
  forbidden.taken.store(forbidden.taken.load(std::memory_order_relaxed) + 1,
                        std::memory_order_release);
}

void WriteSample(int signal, uint64_t fault_address, const void* context) {
  void* raw[kRawFrames];
  const int found = ::backtrace(raw, kRawFrames);
  // The handler's own frames, up to the one that the signal found, are no news.
  const uint64_t interrupted = InterruptedAt(context);
  int first = 0;
  while (first < found && reinterpret_cast<uint64_t>(raw[first]) != interrupted) ++first;
  StackSample& sample = g_slot->stack;
  uint32_t frames = 0;
  const auto add = [&](uint64_t address) {
    if (frames == StackSample::kFrames) return;
    sample.addresses[frames++].store(address, std::memory_order_relaxed);
  };
  if (first == found) {
    // It was somewhere without a frame, as after a jump to nowhere: the place, then what there is.
    first = 0;
    if (interrupted != 0) add(interrupted);
  }
  for (int i = first; i < found && !IsInCallHandler(reinterpret_cast<uint64_t>(raw[i])); ++i) {
    add(reinterpret_cast<uint64_t>(raw[i]));
  }
  sample.frames.store(frames, std::memory_order_relaxed);
  sample.job.store(g_slot->job.load(std::memory_order_relaxed), std::memory_order_relaxed);
  sample.signal.store(signal, std::memory_order_relaxed);
  sample.fault_address.store(fault_address, std::memory_order_relaxed);
  sample.taken.store(sample.taken.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

// Not what a handler has forked, which has the same slot.
bool IsOurs() { return ::getpid() == g_process; }

void OnAsked(int, siginfo_t*, void* context) {
  if (!IsOurs()) return;
  const int saved = errno;
  WriteSample(0, 0, context);
  errno = saved;
}

// SA_RESETHAND: by returning it dies of the same signal, which is blocked until then. It is sent
// again, because not everything happens again by itself: what somebody sent, a breakpoint, a system
// call that a filter trapped.
void OnCrash(int signal, siginfo_t* info, void* context) {
  const bool has_address = info->si_code > 0 && (signal == SIGSEGV || signal == SIGBUS);
  if (IsOurs())
    WriteSample(signal, has_address ? reinterpret_cast<uint64_t>(info->si_addr) : 0, context);
  if (IsOurs() && signal == SIGSYS && info->si_code == kSysSeccomp)
    WriteForbiddenCall(*info, context);
  ::raise(signal);
}

bool IsTaken(int signal) {
  struct sigaction action = {};
  if (::sigaction(signal, nullptr, &action) != 0) return true;
  return (action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL;
}

absl::Status Handle(int signal, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
  sigemptyset(&action.sa_mask);
  if (::sigaction(signal, &action, nullptr) != 0) return absl::ErrnoToStatus(errno, "sigaction");
  sigset_t unblocked;
  sigemptyset(&unblocked);
  sigaddset(&unblocked, signal);
  ::sigprocmask(SIG_UNBLOCK, &unblocked, nullptr);
  return absl::OkStatus();
}

}  // namespace

void PrimeUnwinding() {
  void* raw[4];
  (void)::backtrace(raw, 4);  // the first call loads libgcc and allocates
}

absl::Status InstallStackSampler(ProcessSlot* slot) {
  g_slot = slot;
  g_process = ::getpid();
  stack_t alternate = {};
  alternate.ss_sp = g_alternate_stack;
  alternate.ss_size = sizeof(g_alternate_stack);
  stack_t there = {};
  // A sanitizer has one already.
  if (::sigaltstack(nullptr, &there) == 0 && (there.ss_flags & SS_DISABLE) != 0 &&
      ::sigaltstack(&alternate, nullptr) != 0) {
    return absl::ErrnoToStatus(errno, "sigaltstack");
  }
  for (const int signal : kCrashSignals) {
    if (IsTaken(signal)) continue;
    absl::Status handled = Handle(signal, &OnCrash, SA_RESETHAND);
    if (!handled.ok()) return handled;
  }
  return Handle(StackSampleSignal(), &OnAsked, SA_RESTART);
}

}  // namespace windlass
