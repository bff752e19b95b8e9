#include "tools/client/run_context.h"

#include <cstdio>

#include "common/byte_buffer.h"

namespace windlass {
namespace {

const char* LevelName(HandlerLogLevel level) {
  switch (level) {
    case HandlerLogLevel::kDebug:
      return "debug";
    case HandlerLogLevel::kInfo:
      return "info";
    case HandlerLogLevel::kWarning:
      return "warning";
    case HandlerLogLevel::kError:
      return "error";
  }
  std::abort();  // not an enumerator: memory is corrupt
}

}  // namespace

absl::Duration RunContext::time_left() const {
  return deadline_ == Instant::Never() ? absl::InfiniteDuration() : deadline_ - MonotonicNow();
}

std::optional<std::string> RunContext::header(absl::string_view key) {
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

void RunContext::Log(HandlerLogLevel level, absl::string_view line) {
  std::fprintf(stderr, "%s: %.*s: %.*s\n", LevelName(level), static_cast<int>(handler_.size()),
               handler_.data(), static_cast<int>(line.size()), line.data());
}

}  // namespace windlass
