#ifndef WINDLASS_COMMON_LOG_LIMIT_H_
#define WINDLASS_COMMON_LOG_LIMIT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "common/clock.h"
#include "common/log.h"

namespace windlass {

// So many lines at once, then so many a second.
struct LogRate {
  double burst = 5, per_second = 1;
};

// Role: keeps a line that a client, a payload or an operator's loop can cause from filling the log.
// One object for each kind of line; any process, one thread. What was swallowed is said by the next
// line of the kind ("... (and 12 more like it)"), or, when none comes, a second after the flood by
// a line of its own; it is counted in LogLinesLimited either way. Blocking: never. After fork: what
// the parent swallowed is the parent's to say (InitLog forgets it).
//
//   LOG_LIMITED(WARNING, shed_log_, timers_.now()) << "turned a client away";
//
// A loop asks TellSwallowed about once a second while any_swallowed(), and TellAllSwallowed at its
// end.
class LogLimit {
 public:
  explicit LogLimit(LogRate rate = {}) : rate_(rate), tokens_(rate.burst) {}
  LogLimit(const LogLimit&) = delete;
  LogLimit& operator=(const LogLimit&) = delete;
  ~LogLimit();  // says what was swallowed

  // One line more; false: it is swallowed.
  bool Allow(Instant now);
  // What a line that was allowed says of those that were not: "", or " (and 12 more like it)". They
  // count as told. `text` is the line, for what may have to be said later.
  std::string Told(LogLevel level, absl::string_view text);

  static bool any_swallowed() { return first_ != nullptr; }
  // Those of which none was swallowed for a second.
  static void TellSwallowed(Instant now);
  static void TellAllSwallowed();
  static void ForgetAll();

 private:
  void Tell();
  void Unlist();

  const LogRate rate_;
  double tokens_;
  Instant refilled_;
  Instant last_swallowed_;
  uint64_t swallowed_ = 0;  // and not told; then this is in the list
  LogLevel level_ = LogLevel::INFO;
  std::string last_line_;  // that was logged; its beginning
  // The list of those that have something to tell.
  static LogLimit* first_;
  LogLimit* next_ = nullptr;
};

// LogRecord for lines that a limit allows. REQUIRES: limit->Allow said so.
void LogAllowed(LogLevel level, LogLimit* limit, std::string message,
                absl::string_view members = {});

namespace log_internal {

class LimitedLine : public Line {
 public:
  LimitedLine(LogLevel level, LogLimit* limit) : Line(level), limit_(limit) {}
  ~LimitedLine() { text_ << limit_->Told(level_, text_.str()); }

 private:
  LogLimit* const limit_;
};

}  // namespace log_internal
}  // namespace windlass

// LOG, as far as `limit` allows. Evaluates `now` only when the level is on.
#define LOG_LIMITED(level, limit, now)                                                   \
  !::windlass::log_internal::Enabled(::windlass::LogLevel::level) || !(limit).Allow(now) \
      ? (void)0                                                                          \
      : ::windlass::log_internal::Voidify() &                                            \
            ::windlass::log_internal::LimitedLine(::windlass::LogLevel::level, &(limit)).stream()

#endif  // WINDLASS_COMMON_LOG_LIMIT_H_
