#include "worker/framing/line_framing.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace windlass {

CutOutcome LineFraming::CutHead(absl::string_view input, CutState* state, RequestHead* head,
                                FrameError* error) {
  const absl::string_view fresh = input.substr(state->scanned);
  const void* const newline =
      fresh.empty() ? nullptr : std::memchr(fresh.data(), '\n', fresh.size());
  const size_t line_bytes =
      newline != nullptr ? static_cast<size_t>(static_cast<const char*>(newline) - input.data())
                         : input.size();
  if (line_bytes > max_line_bytes_) {
    *error = {ErrorCode::kTooLarge, absl::StrCat("line of more than ", max_line_bytes_, " bytes")};
    return CutOutcome::kLost;
  }
  if (newline == nullptr) {
    state->scanned = static_cast<uint32_t>(input.size());
    state->need = state->scanned + 1;
    return CutOutcome::kNeedMore;
  }
  *head = RequestHead{};
  head->content_bytes = line_bytes;
  head->tail_bytes = 1;
  return CutOutcome::kRequest;
}

}  // namespace windlass
