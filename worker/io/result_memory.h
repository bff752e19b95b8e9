#ifndef WINDLASS_WORKER_IO_RESULT_MEMORY_H_
#define WINDLASS_WORKER_IO_RESULT_MEMORY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/mapping_cache.h"
#include "proto/job.pb.h"
#include "worker/io/exchange.h"
#include "worker/io/split_job.h"

namespace windlass {

// Role: turns the pieces of a reply into parts of an answer, and lets go of them afterwards. Worker
// processes. The reply comes from a process that may be broken: every size, offset, seal and
// descriptor is checked. Owns the mappings of the pool's result buffers (MappingCache). Blocking:
// never.
class ResultMemory {
 public:
  ResultMemory() : cache_(kCachedMappings, /*writable=*/true) {}

  // InvalidArgument: the reply is broken; nothing is held then. Pieces inside the packet point into
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
  static constexpr size_t kCachedMappings = 16;
  absl::Status AcceptPiece(const proto::Piece& piece, JobId owner, absl::string_view* payload,
                           OwnedFd* fd, const std::shared_ptr<SplitMemory>& shared, SplitJob* split,
                           AnswerPiece* into);

  MappingCache cache_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_RESULT_MEMORY_H_
