#ifndef WINDLASS_WORKER_POOL_SANDBOX_RULES_H_
#define WINDLASS_WORKER_POOL_SANDBOX_RULES_H_

#include <seccomp.h>

#include <vector>

#include "absl/types/span.h"
#include "common/config.h"

namespace windlass {

// One line of a filter: `name`, if all of `arguments` are so, comes to `action`.
struct SandboxRule {
  const char* name;
  uint32_t action;
  std::vector<scmp_arg_cmp> arguments = {};
};

// What a level says of calls that no rule is about, and its rules. `forbid`: the action for what
// is forbidden. `self`: the id of the process that will be in it. REQUIRES: not kOff.
struct SandboxRules {
  uint32_t otherwise;
  std::vector<SandboxRule> rules;
};
SandboxRules RulesOf(SandboxLevel level, uint32_t forbid, uint32_t self);

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_SANDBOX_RULES_H_
