#include "worker/framing/length_framing.h"

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr size_t kMaxDigits = 20;  // of the largest 64-bit number

}  // namespace

CutOutcome LengthFraming::CutHead(absl::string_view input, CutState* state, RequestHead* head,
                                  FrameError* error) {
  const auto lost = [error](absl::string_view message) {
    *error = {ErrorCode::kInvalidArgument, std::string(message)};
    return CutOutcome::kLost;
  };
  uint64_t length = 0;
  bool overflow = false;
  size_t i = 0;
  for (; i < input.size() && input[i] >= '0' && input[i] <= '9'; ++i) {
    if (i == kMaxDigits) return lost("length of more than 20 digits");
    const uint64_t digit = static_cast<uint64_t>(input[i] - '0');
    overflow = overflow || __builtin_mul_overflow(length, uint64_t{10}, &length) ||
               __builtin_add_overflow(length, digit, &length);
  }
  const size_t digits = i;
  if (i < input.size() && digits == 0) return lost("length does not start with a digit");
  if (i < input.size() && input[i] == '\r') ++i;
  if (i == input.size()) {
    state->need = static_cast<uint32_t>(i + 1);
    return CutOutcome::kNeedMore;
  }
  if (input[i] != '\n') return lost("length is not followed by a newline");
  if (overflow || length > max_content_bytes_) {
    *error = {ErrorCode::kTooLarge,
              absl::StrCat("body over the limit of ", max_content_bytes_, " bytes")};
    return CutOutcome::kLost;
  }
  *head = RequestHead{};
  head->head_bytes = i + 1;
  head->content_bytes = length;
  return CutOutcome::kRequest;
}

}  // namespace windlass
