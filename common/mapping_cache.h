#ifndef WINDLASS_COMMON_MAPPING_CACHE_H_
#define WINDLASS_COMMON_MAPPING_CACHE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/posix.h"

namespace windlass {

// Role: keeps memfds of other processes mapped, because mapping 16 MiB anew for every job costs
// more than the job's copies. Worker and pool processes. Keyed by inode, which the mapping keeps
// from being reused: the other side is not trusted to say which buffer it sent. Owns the mappings;
// at most `max_entries` of `max_bytes` together stay, the least
// recently used go first; what is pinned stays anyway. Errors: a descriptor
// that is no memfd, not sealed against shrinking (reading it could raise SIGBUS) or too short is
// InvalidArgument: the sender is broken.
class MappingCache {
 public:
  struct Entry {
    FileIdentity identity;
    Mapping mapping;
    int pins = 0;
    uint64_t last_use = 0;
  };

  // Of files that their owner may have given up already: what is kept mapped is kept in memory.
  static constexpr uint64_t kMaxBytes = 128 << 20;

  MappingCache(size_t max_entries, bool writable, uint64_t max_bytes = kMaxBytes)
      : max_entries_(max_entries), max_bytes_(max_bytes), writable_(writable) {}

  // The whole file, pinned: call Release when its bytes are no longer used. Valid until then.
  // `most_bytes`: a file that is longer is InvalidArgument, too.
  absl::StatusOr<Entry*> Acquire(int fd, uint64_t least_bytes, uint64_t most_bytes = UINT64_MAX);
  void Release(Entry* entry);
  void Drop(Entry* entry);  // as Release, and unmaps it: it will not come again
  void Trim();              // unmaps everything that is not pinned
  uint64_t mapped_bytes() const { return mapped_bytes_; }

 private:
  void EvictUnpinned(size_t keep, uint64_t keep_bytes);

  const size_t max_entries_;
  const uint64_t max_bytes_;
  const bool writable_;
  std::vector<std::unique_ptr<Entry>> entries_;
  uint64_t uses_ = 0;
  uint64_t mapped_bytes_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_MAPPING_CACHE_H_
