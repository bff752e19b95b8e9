#include "worker/pool/job_context.h"

#include "common/byte_buffer.h"

namespace windlass {

void JobContext::Begin(JobId id, Instant deadline, absl::string_view header) {
  id_ = id;
  deadline_ = deadline;
  header_ = header;
  parsed_header_.reset();
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

}  // namespace windlass
