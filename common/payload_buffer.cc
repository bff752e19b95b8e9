#include "common/payload_buffer.h"

#include <fcntl.h>

#include <bit>
#include <new>

namespace windlass {

uint64_t PayloadCapacityFor(uint64_t bytes) {
  constexpr uint64_t kSmallest = 64 << 10;
  return bytes <= kSmallest ? kSmallest : std::bit_ceil(bytes);
}

absl::StatusOr<std::unique_ptr<RequestBuffer>> RequestBuffer::Create(uint64_t capacity) {
  auto buffer = std::make_unique<RequestBuffer>();
  absl::StatusOr<OwnedFd> memfd = MemfdCreate("windlass-request", capacity);
  if (!memfd.ok()) return memfd.status();
  absl::StatusOr<Mapping> mapping = Mapping::Shared(memfd->get(), capacity, 0, /*writable=*/true);
  if (!mapping.ok()) return mapping.status();
  // After mapping: FUTURE_WRITE forbids every later writable one.
  const absl::Status sealed =
      AddSeals(memfd->get(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE);
  if (!sealed.ok()) return sealed;
  buffer->memfd_ = *std::move(memfd);
  buffer->mapping_ = *std::move(mapping);
  return buffer;
}

absl::StatusOr<std::unique_ptr<ResultBuffer>> ResultBuffer::Create(uint64_t capacity) {
  auto buffer = std::make_unique<ResultBuffer>();
  const uint64_t size = capacity + ResultHeader::kBytes;
  absl::StatusOr<OwnedFd> memfd = MemfdCreate("windlass-result", size);
  if (!memfd.ok()) return memfd.status();
  if (auto sealed = AddSeals(memfd->get(), F_SEAL_SHRINK | F_SEAL_GROW); !sealed.ok())
    return sealed;
  absl::StatusOr<Mapping> mapping = Mapping::Shared(memfd->get(), size, 0, /*writable=*/true);
  if (!mapping.ok()) return mapping.status();
  buffer->memfd_ = *std::move(memfd);
  buffer->mapping_ = *std::move(mapping);
  new (buffer->header()) ResultHeader{ResultHeader::kMagic, {0}};
  return buffer;
}

}  // namespace windlass
