#include "master/death_log.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace windlass {
namespace {

template <typename T>
void AddTo(std::deque<T>* kept, T entry, size_t most) {
  if (kept->size() == most) kept->pop_front();
  kept->push_back(std::move(entry));
}

std::string Milliseconds(absl::Duration duration) {
  const absl::Duration whole = absl::Trunc(duration, absl::Milliseconds(1));
  return whole == absl::ZeroDuration() ? "0ms" : absl::FormatDuration(whole);
}

}  // namespace

absl::string_view EndCauseName(EndCause cause) {
  constexpr std::array<absl::string_view, kEndCauses> kNames = {
      "deadline",     "operator", "drain",  "scale", "recycle", "memory_limit", "startup",
      "unresponsive", "reload",   "signal", "exit",  "seccomp", "cgroup_oom",   "unknown"};
  static_assert(static_cast<size_t>(EndCause::kUnknown) + 1 == kEndCauses);
  return kNames[static_cast<size_t>(cause)];
}

std::string DescribeDeath(const Death& death) {
  std::string text = death.text;
  if (!death.forbidden_call.empty()) absl::StrAppend(&text, ": ", death.forbidden_call);
  if (death.job != 0) {
    absl::StrAppend(&text, " while running job ", death.job);
    if (!death.handler.empty()) absl::StrAppend(&text, " of ", death.handler);
    absl::StrAppend(&text, " for ", Milliseconds(death.job_age), " (", death.payload_bytes,
                    " bytes, attempt ", death.attempt, ")");
  }
  absl::StrAppend(&text, "; cause ", EndCauseName(death.cause), ", age ", Milliseconds(death.age),
                  ", peak memory ", death.peak_resident_bytes >> 20, " MiB");
  if (death.has_fault_address) {
    absl::StrAppendFormat(&text, ", fault address 0x%x", death.fault_address);
  }
  if (!death.stack.empty()) absl::StrAppend(&text, "; stack: ", absl::StrJoin(death.stack, " < "));
  if (!death.no_stack.empty()) absl::StrAppend(&text, "; no stack: ", death.no_stack);
  return text;
}

void DeathLog::Add(Death death) {
  if (death.is_expected) return AddTo(&expected_, std::move(death), kExpectedKept);
  ++total_;
  ++by_cause_[static_cast<size_t>(death.cause)];
  AddTo(&deaths_, std::move(death), kKept);
}

void DeathLog::Add(SlowJob slow) {
  ++slow_total_;
  AddTo(&slow_, std::move(slow), kSlowKept);
}

}  // namespace windlass
