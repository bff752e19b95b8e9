// The part of worker/pool/job_loop.h that splits jobs, and runs their parts.
#include "worker/pool/call_handler.h"
#include "worker/pool/handler_check.h"
#include "worker/pool/job_loop.h"

namespace windlass {

// Of PART and MERGE: what Split has asked for, after the request's descriptor. False: answered.
bool JobLoop::MapShared() {
  if (job_.shared_bytes() == 0) return true;
  const size_t at = job_.file_bytes() > 0 ? 1 : 0;
  if (receiver_.fds().size() <= at) {
    replies_.SendError(ErrorCode::kUnavailable, "no file descriptor left for the parts' memory");
    return false;
  }
  absl::StatusOr<Mapping> mapped =
      Mapping::Shared(receiver_.fds()[at].get(), job_.shared_bytes(), 0, /*writable=*/true);
  if (!mapped.ok()) {
    replies_.SendError(ErrorCode::kUnavailable, "the parts' memory cannot be mapped");
    return false;
  }
  shared_ = *std::move(mapped);
  return true;
}

// True: it is split, and what becomes of it is the worker's to see to.
absl::StatusOr<bool> JobLoop::Split(Handler& handler, const Request& request) {
  const absl::Status status = CallSplit(handler, request, parts_, context_);
  if (!parts_.fault().ok()) return parts_.fault();
  if (!status.ok()) return status;
  return !parts_.parts().empty();
}

void JobLoop::RunPart(Handler& handler, const Request& request) {
  const Part part = {static_cast<int>(job_.part()), static_cast<int>(job_.parts()), job_.what(),
                     absl::MakeSpan(shared_.data(), shared_.size())};
  const absl::StatusOr<PartResult> result = CallPart(handler, request, part, context_);
  if (!result.ok()) return SendStatus(result.status());
  const absl::Status checked = CheckPartResult(result->bytes);
  if (!checked.ok()) return SendStatus(checked);
  replies_.SendPartResult(*result);
}

absl::StatusOr<Response> JobLoop::Merge(Handler& handler, const Request& request) {
  std::vector<absl::string_view> results;
  results.reserve(static_cast<size_t>(job_.result_bytes_size()));
  absl::string_view left = receiver_.payload().substr(
      std::min<size_t>(job_.content_bytes(), receiver_.payload().size()));
  for (const uint32_t bytes : job_.result_bytes()) {
    results.push_back(left.substr(0, bytes));
    left.remove_prefix(results.back().size());
  }
  const absl::Span<char> shared = absl::MakeSpan(shared_.data(), shared_.size());
  const absl::Span<const uint64_t> content_bytes(job_.part_bytes().data(),
                                                 static_cast<size_t>(job_.part_bytes_size()));
  replies_.NoteParts(shared, content_bytes);
  return CallMerge(handler, request, {results, content_bytes, shared}, context_);
}

}  // namespace windlass
