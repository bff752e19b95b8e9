// The part of master/supervisor.h that says how processes have ended.
#include <signal.h>
#include <string.h>

#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/log.h"
#include "common/posix.h"
#include "common/syscall_names.h"
#include "master/supervisor.h"

namespace windlass {
namespace {

// "was killed by SIGSEGV (Segmentation fault)", "exited with code 3".
std::string DescribeExit(const ExitStatus& status) {
  if (status.exited) return absl::StrCat("exited with code ", status.code);
  const char* const name = ::sigabbrev_np(status.code);
  const char* const text = ::sigdescr_np(status.code);
  return absl::StrCat("was killed by ", name == nullptr ? "signal " : "SIG",
                      name == nullptr ? std::to_string(status.code) : name, " (",
                      text == nullptr ? "?" : text, ")");
}

EndCause CauseFor(const ExitStatus& status) {
  if (status.exited) return EndCause::kExit;
  if (status.code == SIGSYS) return EndCause::kSeccomp;
  return status.code == SIGKILL ? EndCause::kUnknown : EndCause::kSignal;
}

// The process has written it, so it may be anything.
std::string DescribeCall(const ForbiddenCall& forbidden) {
  const int number = forbidden.number.load();
  const SyscallShape shape = ShapeOf(number);
  std::vector<std::string> arguments;
  for (int i = 0; i < shape.arguments; ++i) {
    if (i != shape.path) {
      arguments.push_back(
          absl::StrCat("0x", absl::Hex(forbidden.arguments[static_cast<size_t>(i)].load())));
      continue;
    }
    char path[ForbiddenCall::kPathBytes + 1] = {};
    for (size_t word = 0; word < forbidden.path.size(); ++word) {
      const uint64_t bytes = forbidden.path[word].load();
      std::memcpy(path + 8 * word, &bytes, 8);
    }
    arguments.push_back(absl::StrCat("\"", absl::CHexEscape(path), "\""));
  }
  return absl::StrCat(SyscallName(number), "(", absl::StrJoin(arguments, ", "), ")");
}

}  // namespace

// REQUIRES: its slot has not been cleared.
Death Supervisor::CertificateFor(const Child& child, pid_t pid, const ExitStatus& status) {
  const Instant now = timers_->now();
  const ProcessSlot& slot = board_->slot(*child.slot);
  Death death;
  death.when = absl::Now();
  death.role = child.role->name;
  death.number = NumberOf(child);
  death.pid = pid;
  death.generation = generation_.number();
  death.age = now - child.started;
  death.peak_resident_bytes = status.peak_resident_bytes;
  death.text = DescribeExit(status);
  const bool was_killed = !child.killed_because.empty();
  const bool ended_well = child.leaving() && status.exited && status.code == 0;
  // Its generation will be given up, if it has not been: it may be heard before or after that.
  const bool ends_generation = !child.cannot_start.empty() && child.is_needed() &&
                               (state_ == State::kStarting || state_ == State::kFailed);
  death.is_expected = ended_well || ends_generation || child.killed_because == kGivenUp;
  if (was_killed || ended_well) {
    death.cause = child.ends_by;
  } else if (ends_generation) {
    death.cause = EndCause::kReload;
  } else {
    death.cause = CauseFor(status);
    const bool by_sigkill = !status.exited && status.code == SIGKILL;
    if (const auto cgroup = by_sigkill ? services_.oom->Explain() : std::nullopt; cgroup) {
      death.cause = EndCause::kCgroupOom;
      absl::StrAppend(&death.text, ": out of memory in cgroup ", *cgroup);
    }
  }
  if (death.cause == EndCause::kSeccomp && child.is_pool() &&
      slot.forbidden.taken.load() != child.calls_before) {
    absl::StrAppend(&death.text, ": the sandbox forbids ",
                    SyscallName(slot.forbidden.number.load()));
    death.forbidden_call = DescribeCall(slot.forbidden);
  }
  const std::string& why = child.cannot_start.empty() ? child.killed_because : child.cannot_start;
  if (!why.empty()) absl::StrAppend(&death.text, ": ", why);
  if (child.is_spent) absl::StrAppend(&death.text, ": jobs have left too much of memory_limit");
  const uint64_t job = slot.job.load();
  if (!child.is_pool() || job <= kSlotReceiving) return death;
  death.job = job;
  if (const HandlerConfig* const handler = HandlerOf(child); handler != nullptr) {
    death.handler = handler->name;
  }
  death.payload_bytes = slot.job_bytes.load();
  death.attempt = slot.job_attempt.load();
  death.job_age = now - Instant{slot.job_started_ns.load()};
  death.no_stack = child.no_stack;
  death.has_fault_address = !status.exited && slot.stack.signal.load() == status.code &&
                            slot.stack.taken.load() != child.stacks_before &&
                            (status.code == SIGSEGV || status.code == SIGBUS);
  if (death.has_fault_address) death.fault_address = slot.stack.fault_address.load();
  return death;
}

// Of its crash, or of the last rung of the ladder. REQUIRES: its slot has not been cleared.
std::vector<uint64_t> Supervisor::LastStackOf(const Child& child, const ExitStatus& status) {
  const ProcessSlot& slot = board_->slot(*child.slot);
  if (!child.is_pool() || slot.stack.taken.load() == child.stacks_before) return {};
  const bool is_of_crash = !status.exited && slot.stack.signal.load() == status.code;
  const bool is_of_job =
      slot.job.load() > kSlotReceiving && slot.stack.job.load() == slot.job.load();
  const bool was_late = child.ends_by == EndCause::kDeadline && child.no_stack.empty();
  return is_of_crash || (is_of_job && was_late) ? FramesOf(slot.stack) : std::vector<uint64_t>();
}

void Supervisor::Publish(Death death, std::vector<uint64_t> stack, ControlChannel* namer) {
  const auto publish = [this](const Death& known) {
    const std::string name = absl::StrCat(known.role, "-", known.number);
    if (known.is_expected) {
      LOG(DEBUG) << name << " (pid " << known.pid << ") " << DescribeDeath(known);
    } else {
      LOG_LIMITED(WARNING, deaths_log_, timers_->now())
          << name << " (pid " << known.pid << ") " << DescribeDeath(known);
    }
    services_.deaths->Add(known);
  };
  if (stack.empty()) return publish(death);
  stack_names_.Ask(namer, std::move(stack),
                   [publish, death = std::move(death)](std::vector<std::string> named) mutable {
                     death.stack = std::move(named);
                     publish(death);
                   });
}

}  // namespace windlass
