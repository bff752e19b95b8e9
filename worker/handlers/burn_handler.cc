#include "worker/handlers/burn_handler.h"

#include <time.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr int64_t kMaxMs = 86'400'000;

int64_t CpuNanoseconds() {
  timespec used;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

}  // namespace

absl::StatusOr<Response> BurnHandler::Handle(const Request& request, HandlerContext& context) {
  absl::Status parsed =
      json_.Parse(request.content, request.content_encoding, request.byte_order == ByteOrder::kBig);
  if (!parsed.ok()) return parsed;
  std::optional<int64_t> ms = json_.Integer("ms");
  // Of a query, which has strings only.
  if (int64_t number; !ms && absl::SimpleAtoi(json_.Text("ms"), &number)) ms = number;
  if (!ms || *ms < 0 || *ms > kMaxMs)
    return absl::InvalidArgumentError("ms must be an integer from 0 to 86400000");
  const int64_t until = CpuNanoseconds() + *ms * 1'000'000;
  volatile uint32_t sum = 0;  // so that the work is not optimized away
  // The CPU clock is a system call: ask it, and the context, once in some tens of microseconds.
  while (CpuNanoseconds() < until) {
    for (int i = 0; i < 10'000; ++i) sum = sum * 31 + static_cast<uint32_t>(i);
    if (context.cancelled()) return absl::CancelledError("client gone");
    if (context.time_left() <= absl::ZeroDuration())
      return absl::DeadlineExceededError("deadline passed while burning");
  }
  answer_ = absl::StrCat(R"({"result": "Burned )", *ms, R"( ms."})");
  Response response{"text/json", "utf-8", ErrorCode::kOk, {}};
  response.pieces.push_back(ResponsePiece::Borrowed(answer_));
  return response;
}

}  // namespace windlass
