#include "worker/pool/process_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr char kStatm[] = "/proc/self/statm";

// Of /proc/self/statm, which has them in pages: proc(5).
struct OwnMemory {
  uint64_t address_space = 0, data = 0;
};
absl::StatusOr<OwnMemory> MeasureOwnMemory(int statm) {
  char text[256];
  const ssize_t size = ::pread(statm, text, sizeof(text), 0);
  if (size < 0) return absl::ErrnoToStatus(errno, kStatm);
  // Without taking memory: there may be none.
  uint64_t fields[6] = {};
  size_t field = 0;
  for (ssize_t i = 0; i < size && field < std::size(fields); ++i) {
    if (text[i] == ' ') {
      ++field;
    } else if (text[i] >= '0' && text[i] <= '9') {
      fields[field] = 10 * fields[field] + static_cast<uint64_t>(text[i] - '0');
    }
  }
  OwnMemory memory = {fields[0], fields[5]};
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  memory.address_space *= page;
  memory.data *= page;
  return memory;
}

// Of the hard limit of memory beyond the soft one: what it takes to answer "out of memory".
constexpr uint64_t kReserve = 1 << 20;

// Soft, and `reserve` more hard. A hard limit that is lower already stays.
absl::Status Limit(__rlimit_resource resource, const char* key, uint64_t most,
                   uint64_t reserve = 0) {
  rlimit limit = {};
  if (::getrlimit(resource, &limit) != 0) return absl::ErrnoToStatus(errno, key);
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, most + reserve);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, most);
  if (::setrlimit(resource, &limit) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("pool.", key));
}

absl::Status SetNice(int nice) {
  if (nice == 0 || ::setpriority(PRIO_PROCESS, 0, nice) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "pool.nice");
}

}  // namespace

absl::Status ProcessLimits::Enter(const Config& config, uint32_t index, uint64_t payload_bytes) {
  const PoolConfig& pool = config.pools[index];
  // A write past limit_fsize is an error of the handler's, not the end of the process.
  ::signal(SIGXFSZ, SIG_IGN);
  // The kernel dumps no core of what nobody may look into.
  if (pool.limit_core > 0) SetDumpable(true);
  absl::Status set = Limit(RLIMIT_CORE, "limit_core", pool.limit_core);
  if (set.ok()) set = SetNice(pool.nice);
  if (set.ok() && pool.limit_nofile > 0) {
    set = Limit(RLIMIT_NOFILE, "limit_nofile", static_cast<uint64_t>(pool.limit_nofile));
  }
  if (set.ok() && pool.limit_nproc >= 0) {
    set = Limit(RLIMIT_NPROC, "limit_nproc", static_cast<uint64_t>(pool.limit_nproc));
  }
  if (set.ok() && pool.limit_fsize > 0) set = Limit(RLIMIT_FSIZE, "limit_fsize", pool.limit_fsize);
  const bool limits_memory =
      pool.memory_limit > 0 || std::any_of(config.handlers.begin(), config.handlers.end(),
                                           [](const auto& one) { return one.memory_limit > 0; });
  if (!set.ok() || !limits_memory) return set;
  statm_.Reset(::open(kStatm, O_RDONLY | O_CLOEXEC));
  if (!statm_.valid()) return absl::ErrnoToStatus(errno, kStatm);
  const absl::StatusOr<OwnMemory> memory = MeasureOwnMemory(statm_.get());
  if (!memory.ok()) return memory.status();
  base_ = memory->data;
  if (pool.memory_limit == 0) return absl::OkStatus();
  most_ = current_ = pool.memory_limit;
  set = Limit(RLIMIT_DATA, "memory_limit", base_ + most_, kReserve);
  if (!set.ok()) return set;
  return Limit(RLIMIT_AS, "memory_limit", memory->address_space + most_ + payload_bytes + kReserve);
}

void ProcessLimits::UseMemoryLimit(uint64_t handler_limit) {
  if (!statm_.valid()) return;
  const bool is_less = handler_limit > 0 && (most_ == 0 || handler_limit < most_);
  const uint64_t wanted = is_less ? handler_limit : most_;
  if (wanted == current_) return;
  SetSoft(wanted == 0 ? RLIM_INFINITY : base_ + wanted);
  current_ = wanted;
}

void ProcessLimits::SetSoft(uint64_t bytes) const {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
  (void)::setrlimit(RLIMIT_DATA, &limit);
}

bool ProcessLimits::OnOutOfMemory() {
  if (!statm_.valid()) return false;
  const uint64_t limit = std::exchange(current_, UINT64_MAX);  // to be set for the next job
  // With the reserve, until the next job: what is to be said now needs memory, too.
  SetSoft(most_ == 0 ? RLIM_INFINITY : base_ + most_ + kReserve);
  (void)::malloc_trim(0);
  const absl::StatusOr<OwnMemory> memory = MeasureOwnMemory(statm_.get());
  return limit > 0 && memory.ok() && memory->data > base_ + limit / 2;
}

}  // namespace windlass
