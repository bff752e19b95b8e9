#include "common/mapping_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/payload_buffer.h"

namespace windlass {
namespace {

constexpr uint64_t kBytes = 64 << 10;

TEST(MappingCache, MapsAFileOnceHoweverOftenItComes) {
  const std::unique_ptr<RequestBuffer> buffer = *RequestBuffer::Create(kBytes);
  buffer->data()[5] = 'x';
  MappingCache cache(4, /*writable=*/false);
  MappingCache::Entry* const first = *cache.Acquire(buffer->fd(), kBytes);
  const OwnedFd other(::fcntl(buffer->fd(), F_DUPFD_CLOEXEC, 0));
  EXPECT_EQ(*cache.Acquire(other.get(), kBytes), first);
  EXPECT_EQ(first->mapping.data()[5], 'x');
  EXPECT_EQ(cache.mapped_bytes(), kBytes);
}

TEST(MappingCache, RefusesWhatCouldRaiseSigbus) {
  MappingCache cache(4, false);
  const OwnedFd unsealed = *MemfdCreate("test", kBytes);
  EXPECT_EQ(cache.Acquire(unsealed.get(), kBytes).status().code(),
            absl::StatusCode::kInvalidArgument);
  const std::unique_ptr<RequestBuffer> small = *RequestBuffer::Create(kBytes);
  EXPECT_EQ(cache.Acquire(small->fd(), kBytes + 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  const OwnedFd file = *OpenReadOnly("/dev/null");
  EXPECT_FALSE(cache.Acquire(file.get(), 1).ok());
}

TEST(MappingCache, KeepsWhatIsPinnedAndDropsTheLeastRecentlyUsedOfTheRest) {
  MappingCache cache(2, false);
  std::vector<std::unique_ptr<RequestBuffer>> buffers;
  std::vector<MappingCache::Entry*> entries;
  for (int i = 0; i < 4; ++i) {
    buffers.push_back(*RequestBuffer::Create(kBytes));
    entries.push_back(*cache.Acquire(buffers.back()->fd(), kBytes));
  }
  EXPECT_EQ(cache.mapped_bytes(), 4 * kBytes) << "all are pinned";
  for (MappingCache::Entry* entry : entries) cache.Release(entry);
  EXPECT_EQ(cache.mapped_bytes(), 2 * kBytes);
  cache.Trim();
  EXPECT_EQ(cache.mapped_bytes(), 0u);
}

TEST(RequestBuffer, CanBeWrittenByNobodyElse) {
  const std::unique_ptr<RequestBuffer> buffer = *RequestBuffer::Create(kBytes);
  EXPECT_FALSE(Mapping::Shared(buffer->fd(), kBytes, 0, /*writable=*/true).ok());
  EXPECT_TRUE(Mapping::Shared(buffer->fd(), kBytes, 0, /*writable=*/false).ok());
  buffer->data()[0] = 'o';  // by its owner still
  EXPECT_LT(::ftruncate(buffer->fd(), 1), 0);
}

TEST(PayloadCapacityFor, IsAPowerOfTwoFrom64KiB) {
  EXPECT_EQ(PayloadCapacityFor(1), kBytes);
  EXPECT_EQ(PayloadCapacityFor(kBytes), kBytes);
  EXPECT_EQ(PayloadCapacityFor(kBytes + 1), 2 * kBytes);
}

}  // namespace
}  // namespace windlass
