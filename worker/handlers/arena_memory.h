#ifndef WINDLASS_WORKER_HANDLERS_ARENA_MEMORY_H_
#define WINDLASS_WORKER_HANDLERS_ARENA_MEMORY_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/posix.h"
#include "windlass/handler.h"

namespace windlass {

// Role: memory that all processes forked from this one share. The process that loads handlers. Owns
// memory files and their mappings, which children inherit.
// Invariants:
//   1. Before Seal the memory is writable here and nowhere else.
//   2. After it nobody can write there: neither this process nor a child, whatever they ask the
//      kernel for.
// Only what was written to costs memory. Blocking: never. Errors: ResourceExhausted when the memory
// is not to be had; what was handed out before stays good.
class ArenaMemory : public SharedArena {
 public:
  // Room for many small allocations in one mapping; larger ones get one of their own.
  static constexpr size_t kChunkBytes = size_t{64} << 20;
  static constexpr size_t kMaxAlignment = 4096;

  ArenaMemory() = default;
  ArenaMemory(ArenaMemory&&) = default;
  ArenaMemory& operator=(ArenaMemory&&) = default;

  // InvalidArgument: the alignment. FailedPrecondition: after Seal.
  absl::StatusOr<absl::Span<char>> Allocate(size_t bytes, size_t alignment = 64) override;
  // Ends the time of writing. When it fails, the arena must not be used.
  absl::Status Seal();

 private:
  struct Chunk {
    OwnedFd file;  // until Seal
    Mapping mapping;
    size_t used = 0;
  };
  absl::StatusOr<Chunk*> AddChunk(size_t bytes);

  std::vector<Chunk> chunks_;
  size_t current_ = 0;  // the chunk that small allocations come from; none when there are none
  bool sealed_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_ARENA_MEMORY_H_
