#include "worker/pool/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/syscall_names.h"
#include "worker/pool/sandbox_rules.h"

namespace windlass {
namespace {

// Stands for the id of the process that will be in it: no process has that one.
constexpr uint32_t kSelf = 0x7ea5e1f0;

// libseccomp gives errors as negative errno.
absl::Status Failed(int error, absl::string_view what) {
  return absl::ErrnoToStatus(-error, absl::StrCat("sandbox: ", what));
}

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

absl::StatusOr<Filter> MakeFilter(const PoolConfig& pool) {
  const uint32_t forbid = pool.sandbox_log_only ? SCMP_ACT_NOTIFY : SCMP_ACT_TRAP;
  const SandboxRules rules = RulesOf(pool.sandbox, forbid, kSelf);
  Filter filter(seccomp_init(rules.otherwise), &seccomp_release);
  if (filter == nullptr) return absl::ResourceExhaustedError("sandbox: no memory for its filter");
  // Calls by another architecture's numbers would mean something else here.
  (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree, not a list
  const auto is_allowed = [&pool](absl::string_view name) {
    return std::find(pool.sandbox_allow.begin(), pool.sandbox_allow.end(), name) !=
           pool.sandbox_allow.end();
  };
  for (const SandboxRule& rule : rules.rules) {
    const std::optional<int> call = SyscallNumber(rule.name);
    if (!call || rule.action == rules.otherwise || is_allowed(rule.name)) continue;
    const int error =
        seccomp_rule_add_array(filter.get(), rule.action, *call,
                               static_cast<unsigned>(rule.arguments.size()), rule.arguments.data());
    if (error != 0) return Failed(error, rule.name);
  }
  if (rules.otherwise == SCMP_ACT_ALLOW) return filter;
  for (const std::string& name : pool.sandbox_allow) {
    const std::optional<int> call = SyscallNumber(name);
    if (!call) continue;  // not here
    const int error = seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, *call, 0, nullptr);
    if (error != 0) return Failed(error, name);
  }
  return filter;
}

absl::StatusOr<std::vector<sock_filter>> ProgramOf(const Filter& filter) {
  const OwnedFd memory(::memfd_create("windlass-sandbox", MFD_CLOEXEC));
  if (!memory.valid()) return absl::ErrnoToStatus(errno, "sandbox: memfd_create");
  if (int error = seccomp_export_bpf(filter.get(), memory.get()); error != 0) {
    return Failed(error, "its program");
  }
  const off_t bytes = ::lseek(memory.get(), 0, SEEK_END);
  std::vector<sock_filter> program(static_cast<size_t>(bytes) / sizeof(sock_filter));
  const auto wanted = static_cast<ssize_t>(program.size() * sizeof(sock_filter));
  if (::pread(memory.get(), program.data(), static_cast<size_t>(wanted), 0) != wanted) {
    return absl::InternalError("sandbox: its program cannot be read");
  }
  return program;
}

}  // namespace

absl::StatusOr<Sandbox> Sandbox::Compile(const PoolConfig& pool) {
  Sandbox sandbox;
  if (pool.sandbox == SandboxLevel::kOff) return sandbox;
  const absl::StatusOr<Filter> filter = MakeFilter(pool);
  if (!filter.ok()) return filter.status();
  absl::StatusOr<std::vector<sock_filter>> program = ProgramOf(*filter);
  if (!program.ok()) return program.status();
  sandbox.program_ = *std::move(program);
  sandbox.asks_ = pool.sandbox_log_only;
  return sandbox;
}

absl::StatusOr<OwnedFd> Sandbox::Enter() const {
  if (program_.empty()) return OwnedFd();
  std::vector<sock_filter> program = program_;
  for (sock_filter& instruction : program) {
    if (BPF_OP(instruction.code) == BPF_JEQ && instruction.k == kSelf) {
      instruction.k = static_cast<uint32_t>(::getpid());
    }
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return absl::ErrnoToStatus(errno, "sandbox: NO_NEW_PRIVS");
  }
  const sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
  unsigned flags = SECCOMP_FILTER_FLAG_TSYNC;
  if (asks_) flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  const long entered = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (entered < 0) {
    return absl::ErrnoToStatus(
        errno, "sandbox: the kernel takes no filter (pool.sandbox = \"off\" does without)");
  }
  return asks_ ? OwnedFd(static_cast<int>(entered)) : OwnedFd();
}

}  // namespace windlass
