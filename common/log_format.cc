#include "common/log_format.h"

#include <limits.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/details/os.h>
#include <spdlog/pattern_formatter.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/json_text.h"

namespace windlass {
namespace {

// What a message has at least; members beyond that are left out.
constexpr size_t kLeastMessageBytes = 1024;

absl::string_view g_members;

absl::string_view PriorityOf(spdlog::level::level_enum level) {
  if (level == spdlog::level::debug) return "<7>";
  if (level == spdlog::level::warn) return "<4>";
  if (level == spdlog::level::err) return "<3>";
  if (level == spdlog::level::critical) return "<2>";
  return "<6>";
}

// "%*" in the pattern: the priority of a line.
class JournalPriority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const absl::string_view prefix = PriorityOf(message.level);
    out.append(prefix.data(), prefix.data() + prefix.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<JournalPriority>();
  }
};

absl::string_view View(spdlog::string_view_t text) { return {text.data(), text.size()}; }

class JsonFormatter : public spdlog::formatter {
 public:
  explicit JsonFormatter(bool to_journal) : to_journal_(to_journal) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    std::string line;
    if (to_journal_) absl::StrAppend(&line, PriorityOf(message.level));
    absl::StrAppend(&line, "{\"time\": \"",
                    absl::FormatTime("%E4Y-%m-%dT%H:%M:%E3SZ", absl::FromChrono(message.time),
                                     absl::UTCTimeZone()),
                    "\", \"level\": \"", View(spdlog::level::to_string_view(message.level)),
                    "\", \"role\": ");
    AppendJsonTextUpTo(View(message.logger_name), 256, &line);
    absl::StrAppend(&line, ", \"pid\": ", spdlog::details::os::pid(), ", \"message\": ");
    const size_t room = PIPE_BUF - line.size() - 2;  // of the end
    const size_t members = g_members.empty() ? 0 : g_members.size() + 2;
    const bool has_members = members > 0 && members + kLeastMessageBytes <= room;
    AppendJsonTextUpTo(View(message.payload), has_members ? room - members : room, &line);
    if (has_members) absl::StrAppend(&line, ", ", g_members);
    line += "}\n";
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<formatter> clone() const override {
    return std::make_unique<JsonFormatter>(to_journal_);
  }

 private:
  const bool to_journal_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> MakeLogFormatter(LogFormat format, bool to_journal) {
  if (format == LogFormat::kJson) return std::make_unique<JsonFormatter>(to_journal);
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<JournalPriority>('*');
  formatter->set_pattern(to_journal ? "%*%n[%P] %v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %n[%P] %v");
  return formatter;
}

absl::string_view SetLogMembers(absl::string_view members) {
  return std::exchange(g_members, members);
}

}  // namespace windlass
