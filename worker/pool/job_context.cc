#include "worker/pool/job_context.h"

#include "absl/strings/str_cat.h"
#include "common/byte_buffer.h"
#include "common/log.h"

namespace windlass {
namespace {

LogLevel ToLogLevel(HandlerLogLevel level) {
  switch (level) {
    case HandlerLogLevel::kDebug:
      return LogLevel::DEBUG;
    case HandlerLogLevel::kInfo:
      return LogLevel::INFO;
    case HandlerLogLevel::kWarning:
      return LogLevel::WARNING;
    case HandlerLogLevel::kError:
      break;
  }
  return LogLevel::ERROR;  // a plug-in may say anything
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
  return owner.cancelled[ProcessSlot::CancelledAt(id_, pools_)].load(std::memory_order_relaxed) ==
         id_.word();
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
  const LogLevel as = ToLogLevel(level);
  if (as < CurrentLogLevel()) return;
  const Instant now = MonotonicNow();
  ForEachPrintedLine(line, [&](absl::string_view clean) {
    if (!log_limit_.Allow(now)) return;
    LogAllowed(as, &log_limit_, absl::StrCat(handler_, ", job ", id_.word(), ": ", clean));
  });
}

}  // namespace windlass
