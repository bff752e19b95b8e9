#include "common/log.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/log_format.h"
#include "common/log_limit.h"
#include "common/log_sink.h"

namespace windlass {
namespace {

std::shared_ptr<LogSink> g_sink;
std::unique_ptr<spdlog::logger> g_logger;
LogFormat g_format = LogFormat::kText;
uint64_t g_limited = 0;
std::atomic<uint64_t>* g_dropped_word = nullptr;
std::atomic<uint64_t>* g_limited_word = nullptr;

void AddTo(std::atomic<uint64_t>* word, uint64_t count) {
  if (word == nullptr || count == 0) return;
  word->store(word->load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

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
void SetFormatter() { Sink().set_formatter(MakeLogFormatter(g_format, IsTheJournal(LogFd()))); }

void Emit(LogLevel level, std::string text, absl::string_view members) {
  if (g_logger == nullptr) InitLog("windlass", log_internal::g_least);
  text = OneLine(std::move(text));
  const uint64_t dropped = Sink().dropped();
  SetLogMembers(members);
  g_logger->log(ToSpdlog(level), spdlog::string_view_t(text.data(), text.size()));
  SetLogMembers({});
  AddTo(g_dropped_word, Sink().dropped() - dropped);
}

}  // namespace

namespace log_internal {

LogLevel g_least = LogLevel::INFO;

Line::Line(LogLevel level, const char* file, int line, const char* condition) : level_(level) {
  text_ << file << ":" << line << ": CHECK failed: " << condition << " ";
}

Line::~Line() {
  Emit(level_, std::move(text_).str(), {});
  if (level_ == LogLevel::FATAL) std::abort();
}

void CountLimited() {
  ++g_limited;
  AddTo(g_limited_word, 1);
}

}  // namespace log_internal

void LogRecord(LogLevel level, absl::string_view message, absl::string_view members) {
  if (log_internal::Enabled(level)) Emit(level, std::string(message), members);
}

void InitLog(absl::string_view role, LogLevel least) {
  CountLogLinesIn(nullptr, nullptr);
  LogLimit::ForgetAll();
  SetFormatter();
  g_logger = std::make_unique<spdlog::logger>(std::string(role), g_sink);
  g_logger->set_level(spdlog::level::trace);  // our own macro has filtered already
  SetLogLevel(least);
}

void SetLogFd(OwnedFd fd) {
  CHECK(fd.valid());
  Sink().Redirect(std::move(fd));
  SetFormatter();
}

int LogFd() { return Sink().descriptor(); }

void SetLogLevel(LogLevel least) { log_internal::g_least = least; }

LogLevel CurrentLogLevel() { return log_internal::g_least; }

void SetLogFormat(LogFormat format) {
  g_format = format;
  SetFormatter();
}

LogFormat CurrentLogFormat() { return g_format; }

bool ParseLogFormat(absl::string_view name, LogFormat* format) {
  for (const LogFormat known : {LogFormat::kText, LogFormat::kJson}) {
    if (name != LogFormatName(known)) continue;
    *format = known;
    return true;
  }
  return false;
}

absl::string_view LogFormatName(LogFormat format) {
  return format == LogFormat::kJson ? "json" : "text";
}

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

uint64_t LogLinesLimited() { return g_limited; }

void CountLogLinesIn(std::atomic<uint64_t>* dropped, std::atomic<uint64_t>* limited) {
  g_dropped_word = dropped;
  g_limited_word = limited;
}

}  // namespace windlass
