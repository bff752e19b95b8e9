#include "worker/pool/process_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

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
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(text, static_cast<size_t>(size)), ' ');
  OwnMemory memory;
  if (fields.size() < 6 || !absl::SimpleAtoi(fields[0], &memory.address_space) ||
      !absl::SimpleAtoi(fields[5], &memory.data)) {
    return absl::InternalError(absl::StrCat(kStatm, " cannot be read"));
  }
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  memory.address_space *= page;
  memory.data *= page;
  return memory;
}

// Soft and hard. A hard limit that is lower already stays.
absl::Status Limit(__rlimit_resource resource, const char* key, uint64_t most) {
  rlimit limit = {};
  if (::getrlimit(resource, &limit) != 0) return absl::ErrnoToStatus(errno, key);
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, most);
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(resource, &limit) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("pool.", key));
}

absl::Status SetNice(int nice) {
  if (nice == 0 || ::setpriority(PRIO_PROCESS, 0, nice) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "pool.nice");
}

}  // namespace

absl::Status ProcessLimits::Enter(const Config& config, uint64_t payload_bytes) {
  const PoolConfig& pool = config.pool;
  // A write past limit_fsize is an error of the handler's, not the end of the process.
  ::signal(SIGXFSZ, SIG_IGN);
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
  set = Limit(RLIMIT_DATA, "memory_limit", base_ + most_);
  if (!set.ok()) return set;
  return Limit(RLIMIT_AS, "memory_limit", memory->address_space + most_ + payload_bytes);
}

void ProcessLimits::UseMemoryLimit(uint64_t handler_limit) {
  if (!statm_.valid()) return;
  const bool is_less = handler_limit > 0 && (most_ == 0 || handler_limit < most_);
  const uint64_t wanted = is_less ? handler_limit : most_;
  if (wanted == current_) return;
  const auto bound = [this](uint64_t bytes) { return bytes == 0 ? RLIM_INFINITY : base_ + bytes; };
  const rlimit limit = {bound(wanted), bound(most_)};
  if (::setrlimit(RLIMIT_DATA, &limit) == 0) current_ = wanted;
}

bool ProcessLimits::IsMemoryKept() const {
  if (current_ == 0) return false;
  (void)::malloc_trim(0);
  const absl::StatusOr<OwnMemory> memory = MeasureOwnMemory(statm_.get());
  return memory.ok() && memory->data > base_ + current_ / 2;
}

}  // namespace windlass
