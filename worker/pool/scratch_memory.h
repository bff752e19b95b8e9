#ifndef WINDLASS_WORKER_POOL_SCRATCH_MEMORY_H_
#define WINDLASS_WORKER_POOL_SCRATCH_MEMORY_H_

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "absl/types/span.h"

namespace windlass {

// Role: memory that handlers use during a job, kept for the next one. Pool processes. What a job
// has taken is valid until Begin. Invariant: a job that takes no more than an earlier one did
// allocates nothing. Blocking: never. Errors: std::bad_alloc.
class ScratchMemory {
 public:
  static constexpr size_t kAlignment = 64;

  void Begin() { used_ = 0; }  // of a job: everything is free again
  absl::Span<char> Take(size_t bytes);
  void Trim() { blocks_.clear(); }
  bool holds_memory() const { return !blocks_.empty(); }

 private:
  struct Free {
    void operator()(char* memory) const {
      ::operator delete[](memory, std::align_val_t{kAlignment});
    }
  };
  struct Block {
    std::unique_ptr<char[], Free> memory;
    size_t bytes = 0;
  };
  std::vector<Block> blocks_;
  size_t used_ = 0;  // blocks of this job: the first so many
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_SCRATCH_MEMORY_H_
