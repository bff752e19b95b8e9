#include "worker/pool/job_context.h"

#include "absl/strings/str_cat.h"
#include "common/byte_buffer.h"
#include "common/log.h"

namespace windlass {
namespace {

std::string SwallowedLines(uint64_t swallowed) {
  return swallowed == 0 ? "" : absl::StrCat(" (after ", swallowed, " lines that were too many)");
}

}  // namespace

void JobContext::Begin(JobId id, int attempt, Instant deadline, absl::string_view header) {
  id_ = id;
  attempt_ = attempt;
  handler_ = "";
  scratch_.Begin();
  deadline_ = deadline;
  header_ = header;
  parsed_header_.reset();
}

absl::Duration JobContext::time_left() const {
  return deadline_ == Instant::Never() ? absl::InfiniteDuration() : deadline_ - MonotonicNow();
}

bool JobContext::cancelled() const {
  if (id_.slot().value >= scoreboard_.slots()) return false;
  const ProcessSlot& owner = scoreboard_.slot(id_.slot());
  return owner.cancelled[id_.sequence() % ProcessSlot::kCancelled].load(
             std::memory_order_relaxed) == id_.word();
}

std::optional<std::string> JobContext::header(absl::string_view key) {
  if (header_.empty()) return std::nullopt;
  if (!parsed_header_) {
    std::string padded(header_);
    padded.append(ByteBuffer::kPadding, '\0');
    parsed_header_.emplace();
    const absl::string_view json(padded.data(), header_.size());
    if (!parsed_header_->Parse(json, "utf-8", false).ok()) return std::nullopt;
  }
  const std::optional<absl::string_view> value = parsed_header_->String(key);
  if (!value) return std::nullopt;
  return std::string(*value);
}

void JobContext::Log(HandlerLogLevel level, absl::string_view line) {
  if (!log_limit_.Allow(MonotonicNow())) return;
  const std::string swallowed = SwallowedLines(log_limit_.TakeSwallowed(MonotonicNow()));
  ForEachPrintedLine(line, [&](absl::string_view clean) {
    const std::string text = absl::StrCat(handler_, ", job ", id_.word(), ": ", clean, swallowed);
    switch (level) {
      case HandlerLogLevel::kDebug:
        LOG(DEBUG) << text;
        break;
      case HandlerLogLevel::kInfo:
        LOG(INFO) << text;
        break;
      case HandlerLogLevel::kWarning:
        LOG(WARNING) << text;
        break;
      case HandlerLogLevel::kError:
        LOG(ERROR) << text;
        break;
    }
  });
}

}  // namespace windlass
