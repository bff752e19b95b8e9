#include "worker/handlers/arena_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/cpu_count.h"

namespace windlass {
namespace {

size_t RoundUp(size_t bytes, size_t alignment) {
  return (bytes + alignment - 1) & ~(alignment - 1);
}

}  // namespace

absl::StatusOr<ArenaMemory::Chunk*> ArenaMemory::AddChunk(size_t bytes) {
  absl::StatusOr<OwnedFd> file = MemfdCreate("windlass-arena", bytes);
  if (!file.ok()) return file.status();
  absl::StatusOr<Mapping> mapping = Mapping::Shared(file->get(), bytes, 0, /*writable=*/true);
  if (!mapping.ok()) return mapping.status();
  chunks_.push_back(Chunk{*std::move(file), *std::move(mapping), 0});
  return &chunks_.back();
}

absl::StatusOr<absl::Span<char>> ArenaMemory::Allocate(size_t bytes, size_t alignment) {
  if (sealed_) {
    return absl::FailedPreconditionError("the shared arena can only be used during Preload");
  }
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > kMaxAlignment) {
    return absl::InvalidArgumentError(
        absl::StrCat("alignment ", alignment, " is no power of two up to ", kMaxAlignment));
  }
  const bool is_large = bytes > kChunkBytes / 4;
  if (!is_large && current_ < chunks_.size()) {
    Chunk& chunk = chunks_[current_];
    const size_t at = RoundUp(chunk.used, alignment);
    if (at + bytes <= chunk.mapping.size()) {
      chunk.used = at + bytes;
      return absl::MakeSpan(chunk.mapping.data() + at, bytes);
    }
  }
  // The kernel would promise more than there is, and kill somebody when it is written to.
  const uint64_t usable = is_large ? UsableMemoryBytes().bytes : 0;
  if (is_large && bytes > usable) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "shared arena: ", bytes, " bytes are more than the usable memory, ", usable, " bytes"));
  }
  const absl::StatusOr<Chunk*> chunk =
      AddChunk(is_large ? RoundUp(bytes, kMaxAlignment) : kChunkBytes);
  if (!chunk.ok()) {
    return absl::ResourceExhaustedError(absl::StrCat("shared arena: ", chunk.status().message()));
  }
  (*chunk)->used = bytes;
  if (!is_large) current_ = chunks_.size() - 1;
  return absl::MakeSpan((*chunk)->mapping.data(), bytes);
}

absl::Status ArenaMemory::Seal() {
  sealed_ = true;
  for (Chunk& chunk : chunks_) {
    // FUTURE_WRITE, because F_SEAL_WRITE cannot be had while a writable mapping exists.
    absl::Status done =
        AddSeals(chunk.file.get(), F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    if (done.ok()) done = chunk.mapping.ReplaceByReadOnly(chunk.file.get());
    if (!done.ok()) {
      return absl::Status(done.code(), absl::StrCat("seal the shared arena: ", done.message()));
    }
    chunk.file.Reset();
  }
  return absl::OkStatus();
}

}  // namespace windlass
