#ifndef WINDLASS_WORKER_IO_RESULT_MEMORY_H_
#define WINDLASS_WORKER_IO_RESULT_MEMORY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/mapping_cache.h"
#include "proto/job.pb.h"
#include "windlass/handler.h"
#include "worker/io/exchange.h"
#include "worker/io/split_job.h"

namespace windlass {

// Role: turns the pieces of a reply into parts of an answer, and lets go of them afterwards. Worker
// processes. The reply comes from a process that may be broken: every size, offset, seal and
// descriptor is checked. Owns the mappings of the pool's result buffers (MappingCache). Blocking:
// never.
class ResultMemory {
 public:
  // `budget_bytes`: of the pool's payloads; none of its result buffers has room for more.
  explicit ResultMemory(uint64_t budget_bytes)
      : most_bytes_(PayloadCapacityFor(budget_bytes) + ResultHeader::kBytes),
        cache_(kCachedMappings, /*writable=*/true, kCachedBytes) {}

  // InvalidArgument: the reply is broken; anything else: this process lacks something. Nothing is
  // held then, also of what `split` had for it. Pieces inside the packet point into
  // `payload`. `shared`: what the job's parts share, `split`: what they have made, which is moved
  // from; null: it has no parts, or nothing is known of it.
  absl::Status Accept(const proto::Reply& reply, absl::string_view payload, absl::Span<OwnedFd> fds,
                      const std::shared_ptr<SplitMemory>& shared, SplitJob* split,
                      std::vector<AnswerPiece>* pieces);
  // Drops pieces: the memory of results is free for its pool process again.
  void Release(std::vector<AnswerPiece>* pieces);
  // Unmaps what no answer needs.
  void Trim() { cache_.Trim(); }
  bool holds_memory() const { return cache_.mapped_bytes() > 0; }

 private:
  // Those of one job's parts and some beside: with fewer the next job of as many parts would find
  // none of them, the one that is asked for next always being the one that has just gone.
  static constexpr size_t kCachedMappings = JobParts::kMost + 16;
  // Two answers of 100 MB, in buffers of up to twice their size.
  static constexpr uint64_t kCachedBytes = 256 << 20;
  absl::Status AcceptPiece(const proto::Piece& piece, JobId owner, absl::string_view* payload,
                           OwnedFd* fd, const std::shared_ptr<SplitMemory>& shared, SplitJob* split,
                           AnswerPiece* into);

  const uint64_t most_bytes_;
  MappingCache cache_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_RESULT_MEMORY_H_
