#include "common/mapping_cache.h"

#include <fcntl.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace windlass {

absl::StatusOr<MappingCache::Entry*> MappingCache::Acquire(int fd, uint64_t least_bytes,
                                                           uint64_t most_bytes) {
  absl::StatusOr<FileIdentity> identity = IdentifyFile(fd);
  if (!identity.ok()) return identity.status();
  for (const auto& entry : entries_) {
    if (entry->identity.inode != identity->inode || entry->identity.device != identity->device)
      continue;
    if (entry->mapping.size() < least_bytes) break;
    ++entry->pins;
    entry->last_use = ++uses_;
    return entry.get();
  }
  if (identity->size < least_bytes || identity->size > most_bytes ||
      (GetSeals(fd) & F_SEAL_SHRINK) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("buffer of ", identity->size, " bytes for ",
                                                   least_bytes, ", too long, or not sealed"));
  }
  absl::StatusOr<Mapping> mapping = Mapping::Shared(fd, identity->size, 0, writable_);
  if (!mapping.ok()) return mapping.status();
  auto entry = std::make_unique<Entry>(Entry{*identity, *std::move(mapping), 1, ++uses_});
  mapped_bytes_ += identity->size;
  entries_.push_back(std::move(entry));
  Entry* const added = entries_.back().get();
  EvictUnpinned(max_entries_, max_bytes_);
  return added;
}

void MappingCache::Release(Entry* entry) {
  CHECK(entry->pins > 0);
  --entry->pins;
  EvictUnpinned(max_entries_, max_bytes_);
}

void MappingCache::Drop(Entry* entry) {
  CHECK(entry->pins > 0);
  --entry->pins;
  entry->last_use = 0;  // it is the first to go
  if (entry->pins == 0) EvictUnpinned(entries_.size() - 1, max_bytes_);
}

void MappingCache::Trim() { EvictUnpinned(0, 0); }

void MappingCache::EvictUnpinned(size_t keep, uint64_t keep_bytes) {
  while (entries_.size() > keep || mapped_bytes_ > keep_bytes) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if ((*it)->pins == 0 && (oldest == entries_.end() || (*it)->last_use < (*oldest)->last_use))
        oldest = it;
    }
    if (oldest == entries_.end()) return;
    mapped_bytes_ -= (*oldest)->mapping.size();
    entries_.erase(oldest);
  }
}

}  // namespace windlass
