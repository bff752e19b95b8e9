#include "common/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/log_sink.h"

namespace windlass {
namespace {

std::shared_ptr<LogSink> g_sink;
std::unique_ptr<spdlog::logger> g_logger;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::DEBUG:
      return spdlog::level::debug;
    case LogLevel::INFO:
      return spdlog::level::info;
    case LogLevel::WARNING:
      return spdlog::level::warn;
    case LogLevel::ERROR:
      return spdlog::level::err;
    case LogLevel::NOTICE:
      return spdlog::level::info;
    case LogLevel::FATAL:
      return spdlog::level::critical;
  }
  std::abort();
}

// systemd sets JOURNAL_STREAM to "device:inode" of the stream it gave us: see systemd.exec(5).
bool IsTheJournal(int fd) {
  const char* journal = std::getenv("JOURNAL_STREAM");
  struct stat info;
  if (journal == nullptr || ::fstat(fd, &info) != 0) return false;
  return absl::StrCat(info.st_dev, ":", info.st_ino) == journal;
}

// "%*" in the pattern: the sd-daemon(3) priority prefix of a line.
class JournalPriority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    absl::string_view prefix = "<6>";
    if (message.level == spdlog::level::debug) prefix = "<7>";
    if (message.level == spdlog::level::warn) prefix = "<4>";
    if (message.level == spdlog::level::err) prefix = "<3>";
    if (message.level == spdlog::level::critical) prefix = "<2>";
    out.append(prefix.data(), prefix.data() + prefix.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<JournalPriority>();
  }
};

// A newline inside a message (from a path or a system's error text) must not look like a second
// event.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

LogSink& Sink() {
  if (g_sink == nullptr) g_sink = std::make_shared<LogSink>(2);
  return *g_sink;
}

// As fits where lines go.
void SetPattern() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<JournalPriority>('*');
  formatter->set_pattern(IsTheJournal(LogFd()) ? "%*%n[%P] %v"
                                               : "%Y-%m-%dT%H:%M:%S.%eZ %l %n[%P] %v");
  Sink().set_formatter(std::move(formatter));
}

}  // namespace

namespace log_internal {

LogLevel g_least = LogLevel::INFO;

Line::Line(LogLevel level, const char* file, int line, const char* condition) : level_(level) {
  text_ << file << ":" << line << ": CHECK failed: " << condition << " ";
}

Line::~Line() {
  if (g_logger == nullptr) InitLog("windlass", g_least);
  const std::string text = OneLine(std::move(text_).str());
  g_logger->log(ToSpdlog(level_), spdlog::string_view_t(text.data(), text.size()));
  if (level_ == LogLevel::FATAL) std::abort();
}

}  // namespace log_internal

void InitLog(absl::string_view role, LogLevel least) {
  SetPattern();
  g_logger = std::make_unique<spdlog::logger>(std::string(role), g_sink);
  g_logger->set_level(spdlog::level::trace);  // our own macro has filtered already
  SetLogLevel(least);
}

void SetLogFd(OwnedFd fd) {
  CHECK(fd.valid());
  Sink().Redirect(std::move(fd));
  SetPattern();
}

int LogFd() { return Sink().descriptor(); }

void SetLogLevel(LogLevel least) { log_internal::g_least = least; }

LogLevel CurrentLogLevel() { return log_internal::g_least; }

namespace {

constexpr struct {
  absl::string_view name;
  LogLevel level;
} kLevelNames[] = {{"debug", LogLevel::DEBUG},
                   {"info", LogLevel::INFO},
                   {"warning", LogLevel::WARNING},
                   {"error", LogLevel::ERROR}};

}  // namespace

bool ParseLogLevel(absl::string_view name, LogLevel* level) {
  for (const auto& entry : kLevelNames) {
    if (name != entry.name) continue;
    *level = entry.level;
    return true;
  }
  return false;
}

absl::string_view LogLevelName(LogLevel level) {
  for (const auto& entry : kLevelNames) {
    if (entry.level == level) return entry.name;
  }
  return "";  // not one that can be asked for
}

bool StandardErrorIsTheJournal() { return IsTheJournal(2); }

uint64_t LogLinesDropped() { return g_sink == nullptr ? 0 : g_sink->dropped(); }

}  // namespace windlass
