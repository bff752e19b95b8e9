#include "tools/client/run_parts.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace windlass {

void SplitRun::Add(absl::string_view what) {
  if (what.size() > kMostBytes || parts_.size() == kMost) {
    fault_ =
        absl::InternalError(absl::StrCat("Split: more than ", kMost, " parts, or one of ",
                                         what.size(), " bytes where ", kMostBytes, " are allowed"));
    return;
  }
  parts_.emplace_back(what);
}

absl::StatusOr<absl::Span<char>> SplitRun::Share(size_t bytes) {
  if (shared_ != nullptr) return fault_ = absl::InternalError("Split: memory is shared once");
  shared_ = std::make_unique<char[]>(bytes);  // zeroed
  shared_bytes_ = bytes;
  return absl::MakeSpan(shared_.get(), bytes);
}

absl::StatusOr<Response> SplitRun::Run(Handler* handler, const Request& request,
                                       HandlerContext* context) {
  absl::Status split = handler->Split(request, *this, *context);
  if (!fault_.ok()) return fault_;
  if (!split.ok()) return split;
  if (parts_.empty()) return handler->Handle(request, *context);
  const absl::Span<char> shared = absl::MakeSpan(shared_.get(), shared_bytes_);
  const int count = static_cast<int>(parts_.size());
  for (int i = 0; i < count; ++i) {
    const Part part = {i, count, parts_[static_cast<size_t>(i)], shared};
    absl::StatusOr<PartResult> result = handler->HandlePart(request, part, *context);
    if (!result.ok()) return result.status();
    if (result->bytes.size() > kMaxPartResultBytes) {
      return absl::InternalError(absl::StrCat("HandlePart: a result of ", result->bytes.size(),
                                              " bytes, at most ", kMaxPartResultBytes));
    }
    results_.push_back(std::move(result->bytes));
    contents_.emplace_back(result->content);
    content_bytes_.push_back(result->content.size());
  }
  for (const std::string& result : results_) result_views_.push_back(result);
  absl::StatusOr<Response> response =
      handler->Merge(request, {result_views_, content_bytes_, shared}, *context);
  if (!response.ok()) return response;
  for (ResponsePiece& piece : response->pieces) {
    if (!piece.is_part()) continue;
    const auto part = static_cast<size_t>(piece.part);
    if (part >= contents_.size() || contents_[part].empty()) {
      return absl::InternalError("response with the content of a part that has none");
    }
    piece = ResponsePiece::Owned(std::move(contents_[part]));
    contents_[part].clear();  // each at most once
  }
  return response;
}

}  // namespace windlass
