#ifndef WINDLASS_MASTER_DEATH_LOG_H_
#define WINDLASS_MASTER_DEATH_LOG_H_

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/job_id.h"

namespace windlass {

// How one process ended that was not asked to.
struct Death {
  absl::Time when;
  absl::string_view role;  // static
  uint32_t number = 0;     // as in its name
  pid_t pid = 0;
  uint32_t generation = 0;
  std::string cause;  // "was killed by SIGSEGV (Segmentation fault)"
  uint64_t job = 0;   // that it ran; 0: none
  absl::Duration age;
};

// Role: remembers the latest deaths and counts all. The master. Blocking: never.
class DeathLog {
 public:
  static constexpr size_t kKept = 256;

  void Add(Death death) {
    ++total_;
    if (deaths_.size() == kKept) deaths_.pop_front();
    deaths_.push_back(std::move(death));
  }
  const std::deque<Death>& latest() const { return deaths_; }  // the last one last
  uint64_t total() const { return total_; }
  void SetTotal(uint64_t total) { total_ = total; }  // of the master that this one continues

 private:
  std::deque<Death> deaths_;
  uint64_t total_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_DEATH_LOG_H_
