#ifndef WINDLASS_COMMON_LOG_H_
#define WINDLASS_COMMON_LOG_H_

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "absl/base/optimization.h"
#include "absl/strings/string_view.h"
#include "windlass/owned_fd.h"

// LOG, CHECK and DCHECK with the names and the stream syntax of absl/log, which the packaged Abseil
// (20220623) lacks: the one header to change when it has it. One event is one line. Payload bytes
// never reach a log.
//
//   LOG(INFO) << "listening on " << address;
//   CHECK(fd >= 0) << "no listener";       // ends this process with one line that says where
//
// Blocking: never. A line that the sink does not take at once is dropped and counted
// (LogLinesDropped).

namespace windlass {

// NOTICE is printed at every level: what an operator must always see (what listens where).
enum class LogLevel : uint8_t { DEBUG, INFO, WARNING, ERROR, NOTICE, FATAL };
// How a line looks: "TIME LEVEL ROLE[PID] MESSAGE", or one JSON object with these as members.
enum class LogFormat : uint8_t { kText, kJson };

// Who speaks, and from which level on; lines go to stderr. Called once per process, before the
// first line; a forked child calls it again with its own role, and goes on where its parent's lines
// went. On a stderr that is systemd's journal (JOURNAL_STREAM names it) lines carry a "<N>" journal
// priority, and as text no time.
void InitLog(absl::string_view role, LogLevel least);
// The lines from now on go to `fd` (common/log_file.h opens one), in this process and in those that
// it forks later. May be called again: a log file that was renamed is opened anew.
void SetLogFd(OwnedFd fd);
// Where lines go. A forked child that closes descriptors must keep this one: it may be another than
// 2 for stderr, too.
int LogFd();
void SetLogLevel(LogLevel least);
LogLevel CurrentLogLevel();
bool ParseLogLevel(absl::string_view name, LogLevel* level);  // debug, info, warning, error
absl::string_view LogLevelName(LogLevel level);
// Of the lines from now on, in this process and in those that it forks later.
void SetLogFormat(LogFormat format);
LogFormat CurrentLogFormat();
bool ParseLogFormat(absl::string_view name, LogFormat* format);  // text, json
absl::string_view LogFormatName(LogFormat format);
// One line as LOG makes it, for a level that is only known at run time. `members` are more members
// of the JSON object (`"audit": {...}`), and not printed as text; they are left out where they
// leave no room for the message.
void LogRecord(LogLevel level, absl::string_view message, absl::string_view members = {});
// Whether standard error is systemd's journal: what a program writes there without LOG wants a
// "<N>" priority, too.
bool StandardErrorIsTheJournal();
// Lines that the sink would not take without blocking, and those that were one too many of their
// kind (common/log_limit.h), in this process.
uint64_t LogLinesDropped();
uint64_t LogLinesLimited();
// What is dropped and limited from now on is added to these words, too, which this process alone
// writes and which outlive its log; InitLog forgets them.
void CountLogLinesIn(std::atomic<uint64_t>* dropped, std::atomic<uint64_t>* limited);

namespace log_internal {

extern LogLevel g_least;
inline bool Enabled(LogLevel level) { return level >= g_least; }
void CountLimited();

// One line under construction; emitted by the destructor, which for FATAL ends the process by
// abort().
class Line {
 public:
  explicit Line(LogLevel level) : level_(level) {}
  Line(LogLevel level, const char* file, int line, const char* condition);
  ~Line();
  std::ostream& stream() { return text_; }

 protected:
  const LogLevel level_;
  std::ostringstream text_;
};

// Turns a stream expression into void, so that both arms of ?: agree. Binds looser than <<.
struct Voidify {
  void operator&(std::ostream&) const {}
};

}  // namespace log_internal
}  // namespace windlass

#define LOG(level)                                                \
  !::windlass::log_internal::Enabled(::windlass::LogLevel::level) \
      ? (void)0                                                   \
      : ::windlass::log_internal::Voidify() &                     \
            ::windlass::log_internal::Line(::windlass::LogLevel::level).stream()

#define CHECK(condition)                                                                  \
  ABSL_PREDICT_TRUE(condition)                                                            \
  ? (void)0                                                                               \
  : ::windlass::log_internal::Voidify() &                                                 \
          ::windlass::log_internal::Line(::windlass::LogLevel::FATAL, __FILE__, __LINE__, \
                                         #condition)                                      \
              .stream()

#ifdef NDEBUG
#define DCHECK(condition) CHECK(true || (condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif

#endif  // WINDLASS_COMMON_LOG_H_
