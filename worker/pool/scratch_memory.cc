#include "worker/pool/scratch_memory.h"

#include <algorithm>
#include <utility>

namespace windlass {

absl::Span<char> ScratchMemory::Take(size_t bytes) {
  // The n-th call of a job gets the n-th block, which jobs of one kind all want of about one size.
  if (used_ == blocks_.size()) blocks_.emplace_back();
  Block& block = blocks_[used_];
  if (block.memory == nullptr || block.bytes < bytes) {
    block = Block{};  // first give back, then take
    const size_t wanted = std::max(bytes, size_t{4096});
    block.memory.reset(static_cast<char*>(::operator new[](wanted, std::align_val_t{kAlignment})));
    block.bytes = wanted;
  }
  ++used_;
  return {block.memory.get(), bytes};
}

}  // namespace windlass
