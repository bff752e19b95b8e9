#ifndef WINDLASS_MASTER_DEATH_LOG_H_
#define WINDLASS_MASTER_DEATH_LOG_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace windlass {

// Why a process ended. Those up to kReload were the master's doing, written down before its signal
// or command.
enum class EndCause : uint8_t {
  kDeadline,      // its job ran on past its deadline
  kOperator,      // windlassctl kill-job
  kDrain,         // its generation ended, or the server did
  kScale,         // one too many
  kRecycle,       // max_jobs, max_age
  kMemoryLimit,   // max_memory
  kStartup,       // not ready within startup_timeout
  kUnresponsive,  // it did not take what it was sent, or did not end when it was told to
  kReload,        // its generation did not come up
  kSignal,
  kExit,
  kSeccomp,    // SIGSYS: a system call that it must not make
  kCgroupOom,  // killed by the kernel, for memory
  kUnknown,    // killed by somebody else
};
constexpr size_t kEndCauses = 14;
absl::string_view EndCauseName(EndCause cause);  // "deadline", "cgroup_oom"

// A death certificate: how one process ended, and all that is known of why.
struct Death {
  absl::Time when;
  absl::string_view role;  // static
  uint32_t number = 0;     // as in its name
  pid_t pid = 0;
  uint32_t generation = 0;
  EndCause cause = EndCause::kUnknown;
  bool is_expected = false;    // it was told to end, and did
  std::string text;            // "was killed by SIGSEGV (Segmentation fault)"
  std::string forbidden_call;  // "openat(0xffffff9c, "/etc/passwd", 0x0, 0x0)"; "" = none
  absl::Duration age;
  uint64_t peak_resident_bytes = 0;
  // What it ran; 0: nothing.
  uint64_t job = 0;
  std::string handler;  // "" = not known
  uint64_t payload_bytes = 0;
  uint32_t attempt = 0;
  absl::Duration job_age;
  uint64_t fault_address = 0;  // of SIGSEGV and SIGBUS, if `has_fault_address`
  bool has_fault_address = false;
  std::vector<std::string> stack;  // where it was, the innermost first
  std::string no_stack;            // why that is empty; "" = nothing was to be had
};

// The certificate as one line of a log, after the name of the process.
std::string DescribeDeath(const Death& death);

// A job that took long, and where it was then.
struct SlowJob {
  absl::Time when;
  std::string process;
  pid_t pid = 0;
  uint64_t job = 0;
  std::string handler;
  absl::Duration ran;
  bool past_deadline = false;
  std::vector<std::string> stack;
};

// Role: remembers the latest ends of processes, and the latest slow jobs, and counts deaths: the
// ends that nobody had asked for. The master. Blocking: never.
class DeathLog {
 public:
  static constexpr size_t kKept = 256;          // deaths
  static constexpr size_t kExpectedKept = 128;  // apart, so that a busy operator buries no crash
  static constexpr size_t kSlowKept = 16;

  void Add(Death death);
  void Add(SlowJob slow);
  const std::deque<Death>& latest() const { return deaths_; }  // the last one last
  const std::deque<Death>& latest_expected() const { return expected_; }
  const std::deque<SlowJob>& latest_slow() const { return slow_; }
  uint64_t total() const { return total_; }
  uint64_t slow_total() const { return slow_total_; }
  // Of the deaths, how many were for this cause.
  uint64_t CountOf(EndCause cause) const { return by_cause_[static_cast<size_t>(cause)]; }
  // Of the master that this one continues.
  void SetTotal(uint64_t total) { total_ = total; }
  void SetCount(EndCause cause, uint64_t count) { by_cause_[static_cast<size_t>(cause)] = count; }

 private:
  std::deque<Death> deaths_, expected_;
  std::deque<SlowJob> slow_;
  uint64_t total_ = 0, slow_total_ = 0;
  std::array<uint64_t, kEndCauses> by_cause_ = {};
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_DEATH_LOG_H_
