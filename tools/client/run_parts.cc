#include "tools/client/run_parts.h"

#include <new>
#include <utility>

#include "worker/pool/handler_check.h"

namespace windlass {

void SplitRun::Add(absl::string_view what) {
  const absl::Status checked = CheckPart(what, parts_.size());
  if (!checked.ok()) {
    fault_ = checked;
  } else {
    parts_.emplace_back(what);
  }
}

absl::StatusOr<absl::Span<char>> SplitRun::Share(size_t bytes) {
  if (shared_ != nullptr) return fault_ = absl::InternalError("Split: memory is shared once");
  shared_.reset(new (std::nothrow) char[bytes]());  // zeroed
  if (shared_ == nullptr) return absl::ResourceExhaustedError("no memory left for payloads");
  shared_bytes_ = bytes;
  return absl::MakeSpan(shared_.get(), bytes);
}

absl::StatusOr<Response> SplitRun::Run(Handler* handler, const Request& request,
                                       RunContext* context) {
  absl::Status split = handler->Split(request, *this, *context);
  if (!fault_.ok()) return fault_;
  if (!split.ok()) return split;
  if (parts_.empty()) {
    absl::StatusOr<Response> response = handler->Handle(request, *context);
    if (response.ok()) {
      const absl::Status put = PutContents(&*response);
      if (!put.ok()) return put;
    }
    return response;
  }
  const absl::Span<char> shared = absl::MakeSpan(shared_.get(), shared_bytes_);
  const int count = static_cast<int>(parts_.size());
  context->DropResponse();  // that Split has asked for
  for (int i = 0; i < count; ++i) {
    const Part part = {i, count, parts_[static_cast<size_t>(i)], shared};
    absl::StatusOr<PartResult> result = handler->HandlePart(request, part, *context);
    if (!result.ok()) return result.status();
    absl::Status checked = CheckPartResult(result->bytes);
    if (!checked.ok()) return checked;
    results_.push_back(std::move(result->bytes));
    contents_.emplace_back(result->content);
    content_bytes_.push_back(result->content.size());
    context->DropResponse();
  }
  for (const std::string& result : results_) result_views_.push_back(result);
  absl::StatusOr<Response> response =
      handler->Merge(request, {result_views_, content_bytes_, shared}, *context);
  if (!response.ok()) return response;
  const absl::Status put = PutContents(&*response);
  if (!put.ok()) return put;
  return response;
}

// What a server would send, which bounds the number of pieces that are no part's.
absl::Status SplitRun::PutContents(Response* response) {
  uint64_t seen = 0;
  size_t others = 0;
  for (ResponsePiece& piece : response->pieces) {
    if (!piece.is_part()) {
      ++others;
      continue;
    }
    const absl::Status checked = CheckPartPiece(piece.part, content_bytes_, &seen);
    if (!checked.ok()) return checked;
    piece = ResponsePiece::Owned(std::move(contents_[static_cast<size_t>(piece.part)]));
  }
  if (others > kMaxResponsePieces) return absl::InternalError(TooManyPieces(others));
  return absl::OkStatus();
}

}  // namespace windlass
