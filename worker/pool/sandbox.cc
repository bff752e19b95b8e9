#include "worker/pool/sandbox.h"

#include <seccomp.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/syscall_names.h"
#include "worker/pool/sandbox_rules.h"

namespace windlass {
namespace {

// libseccomp gives errors as negative errno.
absl::Status Failed(int error, absl::string_view what) {
  return absl::ErrnoToStatus(-error, absl::StrCat("sandbox: ", what));
}

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

absl::StatusOr<Filter> MakeFilter(const PoolConfig& pool) {
  const uint32_t forbid = pool.sandbox_log_only ? SCMP_ACT_NOTIFY : SCMP_ACT_TRAP;
  const SandboxRules rules = RulesOf(pool.sandbox, forbid, ::getpid());
  Filter filter(seccomp_init(rules.otherwise), &seccomp_release);
  if (filter == nullptr) return absl::ResourceExhaustedError("sandbox: no memory for its filter");
  // Calls by another architecture's numbers would mean something else here.
  (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree, not a list
  if (int error = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1); error != 0) {
    return Failed(error, "all threads at once");
  }
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

}  // namespace

absl::StatusOr<OwnedFd> EnterSandbox(const PoolConfig& pool) {
  if (pool.sandbox == SandboxLevel::kOff) return OwnedFd();
  const absl::StatusOr<Filter> filter = MakeFilter(pool);
  if (!filter.ok()) return filter.status();
  if (int error = seccomp_load(filter->get()); error != 0) {
    return Failed(error, "this kernel takes no filter (pool.sandbox = \"off\" does without)");
  }
  if (!pool.sandbox_log_only) return OwnedFd();
  return OwnedFd(seccomp_notify_fd(filter->get()));
}

}  // namespace windlass
