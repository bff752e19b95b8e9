#include "common/log_limit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr absl::Duration kFloodIsOver = absl::Seconds(1);
constexpr size_t kRememberedBytes = 160;  // enough to know which kind it is

}  // namespace

LogLimit* LogLimit::first_ = nullptr;

LogLimit::~LogLimit() {
  if (swallowed_ > 0) Tell();
}

bool LogLimit::Allow(Instant now) {
  const double seconds = absl::ToDoubleSeconds(std::max(now - refilled_, absl::ZeroDuration()));
  tokens_ = std::min(rate_.burst, tokens_ + seconds * rate_.per_second);
  refilled_ = now;
  if (tokens_ >= 1) {
    --tokens_;
    return true;
  }
  if (swallowed_++ == 0) next_ = std::exchange(first_, this);
  last_swallowed_ = now;
  log_internal::CountLimited();
  return false;
}

std::string LogLimit::Told(LogLevel level, absl::string_view text) {
  level_ = level;
  last_line_.assign(text.data(), std::min(text.size(), kRememberedBytes));
  if (swallowed_ == 0) return "";
  Unlist();
  return absl::StrCat(" (and ", std::exchange(swallowed_, 0), " more like it)");
}

void LogLimit::Unlist() {
  LogLimit** at = &first_;
  while (*at != this) at = &(*at)->next_;
  *at = next_;
  next_ = nullptr;
}

void LogLimit::Tell() {
  Unlist();
  LogRecord(level_, absl::StrCat(std::exchange(swallowed_, 0),
                                 " more lines were not logged that were like: ", last_line_));
}

void LogLimit::TellSwallowed(Instant now) {
  for (LogLimit* limit = first_; limit != nullptr;) {
    LogLimit* const next = limit->next_;
    if (now >= limit->last_swallowed_ + kFloodIsOver) limit->Tell();
    limit = next;
  }
}

void LogLimit::TellAllSwallowed() {
  while (first_ != nullptr) first_->Tell();
}

void LogLimit::ForgetAll() {
  while (first_ != nullptr) {
    first_->swallowed_ = 0;
    first_ = std::exchange(first_->next_, nullptr);
  }
}

void LogAllowed(LogLevel level, LogLimit* limit, std::string message, absl::string_view members) {
  absl::StrAppend(&message, limit->Told(level, message));
  LogRecord(level, message, members);
}

}  // namespace windlass
