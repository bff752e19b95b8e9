#include "tools/ctl/top_lines.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/report/human_units.h"
#include "common/report/printable_text.h"
#include "tools/ctl/percentile.h"
#include "tools/ctl/status_text.h"

namespace windlass {
namespace {

constexpr absl::string_view kUnknown = "-";

TopSpan Plain(std::string text) { return TopSpan{.text = std::move(text)}; }
TopSpan Bold(std::string text) { return TopSpan{.text = std::move(text), .bold = true}; }
TopSpan Alarm(std::string text) {
  return TopSpan{.text = std::move(text), .colour = Colour::kRed, .bold = true};
}

std::string Rate(const std::optional<double>& rate) {
  return rate.has_value() ? ShortRate(*rate) : std::string(kUnknown);
}

// How many of a role serve, and how many are wanted.
std::string Serving(const proto::StatusReport& report, absl::string_view role,
                    const proto::StatusReport::Size& size) {
  const auto serves = [&](const auto& one) {
    return one.role() == role && one.state() == "serving" &&
           one.generation() == report.generation();
  };
  return absl::StrCat(std::count_if(report.processes().begin(), report.processes().end(), serves),
                      "/", size.wanted());
}

proto::StatusReport::Size AllPools(const proto::StatusReport& report) {
  proto::StatusReport::Size size = report.pool();
  uint32_t wanted = 0;
  for (const proto::StatusReport::Pool& pool : report.pools()) wanted += pool.wanted();
  if (report.pools_size() > 1) size.set_wanted(wanted);
  return size;
}

// What is wrong may name a long path, and what to do stands at its end.
void AppendTrouble(absl::string_view text, size_t columns, std::vector<TopLine>* lines) {
  constexpr size_t kMostLines = 3;
  const size_t most = lines->size() + kMostLines;
  std::string line;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const bool fits = DisplayWidth(line) + 1 + DisplayWidth(word) <= columns;
    if (!line.empty() && !fits && lines->size() + 1 < most) {
      lines->push_back({Alarm(std::exchange(line, ""))});
    }
    absl::StrAppend(&line, line.empty() ? "" : " ", word);
  }
  if (!line.empty()) lines->push_back({Alarm(line)});
}

TopLine ServerLine(const TopPicture& picture, const TopControls& controls) {
  TopLine line;
  if (picture.has_report) {
    const proto::StatusReport& report = picture.report;
    const std::string state = PrintableLine(report.state());
    line.push_back(Bold(absl::StrCat("windlassd ", PrintableLine(report.version()), "  ")));
    // With trouble it is what was true when the server last said something.
    const bool old = !picture.trouble.empty();
    line.push_back(TopSpan{.text = absl::StrCat(old ? "was " : "", state),
                           .colour = old ? Colour::kYellow : ColourOfState(state),
                           .bold = true});
    line.push_back(Plain(absl::StrCat("  pid ", report.pid(), "  generation ", report.generation(),
                                      "  up ", HumanAge(absl::Milliseconds(report.uptime_ms())))));
  } else {
    line.push_back(Bold("windlassd"));
  }
  line.push_back(Plain(absl::StrCat("  every ", absl::FormatDuration(controls.interval))));
  if (controls.paused) {
    line.push_back(Plain("  "));
    line.push_back(TopSpan{.text = "PAUSED", .colour = Colour::kYellow, .bold = true});
  }
  return line;
}

template <typename Lines>
std::vector<TopLine> StackLines(const Lines& stack, absl::string_view no_stack) {
  std::vector<TopLine> lines;
  if (!no_stack.empty()) {
    lines.push_back({Plain(absl::StrCat("  no stack: ", PrintableLine(no_stack)))});
  }
  int frame = 0;
  for (const auto& place : stack) {
    lines.push_back({Plain(absl::StrCat("  #", frame++, " ", PrintableLine(place)))});
  }
  return lines;
}

std::vector<TopLine> DeathLines(const proto::DeathsReport::Death& death) {
  TopLine heading = {Plain(absl::StrCat(UtcTime(absl::FromUnixMillis(death.time_unix_ms())), "  ")),
                     Bold(absl::StrCat(PrintableLine(death.role()), "-", death.slot())),
                     Plain(absl::StrCat(" (pid ", death.pid(), ") ")),
                     TopSpan{.text = PrintableLine(death.cause()),
                             .colour = ColourOfDeath(death.kind(), death.expected())}};
  std::vector<TopLine> lines = {std::move(heading)};
  if (death.job_id() != 0) {
    lines.push_back({Plain(absl::StrCat(
        "  ", PrintableLine(death.handler()), ", job ", death.job_id(), ", ran ",
        HumanAge(absl::Milliseconds(death.job_ms())), ", ", death.payload_bytes(), " bytes"))});
  }
  for (TopLine& line : StackLines(death.stack(), death.no_stack())) lines.push_back(line);
  return lines;
}

std::vector<TopLine> SlowLines(const proto::DeathsReport::Slow& slow) {
  std::vector<TopLine> lines = {
      {Plain(absl::StrCat(UtcTime(absl::FromUnixMillis(slow.time_unix_ms())), "  ")),
       Bold(PrintableLine(slow.process())), Plain(absl::StrCat(" (pid ", slow.pid(), ") ")),
       TopSpan{.text = absl::StrCat("slow: ", PrintableLine(slow.handler()), " after ",
                                    HumanAge(absl::Milliseconds(slow.ran_ms())),
                                    slow.past_deadline() ? ", past its deadline" : ""),
               .colour = Colour::kYellow}}};
  lines.push_back({Plain(absl::StrCat("  job ", slow.job_id()))});
  for (TopLine& line : StackLines(slow.stack(), "")) lines.push_back(line);
  return lines;
}

}  // namespace

std::string ShortCount(uint64_t count) {
  return count < 10'000 ? absl::StrCat(count) : ShortRate(static_cast<double>(count));
}

std::string ShortRate(double rate) {
  if (rate < 0.05) return "0";
  if (rate < 9.95) return absl::StrFormat("%.1f", rate);
  if (rate < 9999.5) return absl::StrFormat("%.0f", rate);
  constexpr std::array<char, 5> kUnits = {'k', 'M', 'G', 'T', 'P'};
  size_t unit = 0;
  for (rate /= 1000; rate >= 999.5 && unit + 1 < kUnits.size(); ++unit) rate /= 1000;
  return absl::StrFormat("%.*f%c", rate < 99.95 ? 1 : 0, rate, kUnits[unit]);
}

std::string ShortSize(uint64_t bytes) {
  const std::string size = HumanSize(bytes);  // "12.3 MiB", "812 B"
  const size_t blank = size.find(' ');
  const std::string number = size.substr(0, blank);
  return bytes < 1024 ? number : absl::StrCat(number, size.substr(blank + 1, 1));
}

std::vector<TopLine> TopHeader(const TopPicture& picture, const TopControls& controls,
                               size_t columns) {
  std::vector<TopLine> lines = {ServerLine(picture, controls)};
  AppendTrouble(PrintableLine(picture.trouble), columns, &lines);
  if (!picture.has_report) return lines;
  const proto::StatusReport& report = picture.report;
  const proto::StatusReport::Totals& totals = report.totals();
  const TopRates& rates = picture.model.rates;
  for (const std::string& role : report.failed_roles()) {
    lines.push_back(
        {Alarm(absl::StrCat("FAILED: no ", PrintableLine(role), " process can be started"))});
  }
  if (report.has_last_reload() && !report.last_reload().ok()) {
    lines.push_back(
        {Alarm("last reload FAILED: "), Plain(PrintableLine(report.last_reload().message()))});
  }
  const bool errs = rates.errors.value_or(0) > 0;
  lines.push_back(
      {Plain("requests/s "), Bold(Rate(rates.requests)), Plain("  jobs/s "), Bold(Rate(rates.jobs)),
       Plain("  errors/s "),
       TopSpan{
           .text = Rate(rates.errors), .colour = errs ? Colour::kRed : Colour::kNone, .bold = true},
       Plain(absl::StrCat("  accepted/s ", Rate(rates.accepted)))});
  lines.push_back({Plain("latency     "), Bold(PercentilesText(rates.latency))});
  lines.push_back({Plain("queue wait  "), Bold(PercentilesText(rates.queue_wait)),
                   Plain("  depth "), Bold(absl::StrCat(totals.queue_depth()))});
  lines.push_back({Plain(absl::StrCat("connections ", totals.connections(), "  workers ",
                                      Serving(report, "worker", report.workers()), "  pool ",
                                      Serving(report, "pool", AllPools(report)), "  retries ",
                                      totals.retries(), "  deaths ", totals.deaths()))});
  if (rates.deaths.value_or(0) > 0) {
    lines.back().push_back(Alarm(absl::StrCat(" (+", *rates.deaths, ")")));
  }
  return lines;
}

std::vector<TopLine> TopJobTable(const std::vector<TopProcess>& running) {
  std::vector<TopLine> lines = {{TopSpan{
      .text = absl::StrFormat("%20s %9s %-10s %7s  %s", "JOB", "FOR", "PROCESS", "PID", "HANDLER"),
      .reverse = true}}};
  for (const TopProcess& one : running) {
    lines.push_back(
        {Plain(absl::StrFormat("%20d %9s %-10s %7d  %s", one.job, HumanAge(one.ran), one.name(),
                               one.pid, one.handler.empty() ? kUnknown : one.handler))});
  }
  return lines;
}

std::vector<TopLine> TopStacks(const TopPicture& picture) {
  if (!picture.has_deaths) return {{Plain("asking the server")}};
  // Deaths and slow jobs by time, which is how they are in the report, too.
  std::vector<std::pair<int64_t, std::vector<TopLine>>> entries;
  for (const auto& slow : picture.deaths.slow()) {
    entries.emplace_back(slow.time_unix_ms(), SlowLines(slow));
  }
  for (const auto& death : picture.deaths.deaths()) {
    if (!death.expected()) entries.emplace_back(death.time_unix_ms(), DeathLines(death));
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<TopLine> lines = {
      {Bold("DEATHS AND SLOW JOBS"),
       Plain(absl::StrCat("  ", picture.deaths.total(), " and ", picture.deaths.slow_total(),
                          " since the start, the latest first"))}};
  for (auto& [time, entry] : entries) {
    lines.emplace_back();
    std::move(entry.begin(), entry.end(), std::back_inserter(lines));
  }
  return lines;
}

std::vector<TopLine> TopHelp() {
  constexpr std::array<std::array<absl::string_view, 2>, 19> kHelp = {{
      {"q, Ctrl-C", "end"},
      {"h, ?", "this help, and back"},
      {"s", "the latest deaths and slow jobs with their stacks, and back"},
      {"Escape", "back to the processes"},
      {"space", "pause, and go on"},
      {"+ -", "a longer, a shorter interval"},
      {"< >, left, right", "sort by the column before, after"},
      {"r", "the other direction"},
      {"C R M T N", "sort by CPU%, RATE/S, RSS, FOR, PROCESS"},
      {"w p a", "only workers, only pool processes, all"},
      {"up, down, k, j", "scroll; page up, page down, home, end, too"},
      {"", ""},
      {"LOAD", "connections of a worker; jobs that a pool process has done"},
      {"RATE/S", "requests of a worker, jobs of a pool process, a second"},
      {"CPU%", "of one CPU"},
      {"FOR, HANDLER", "what it runs now, and since when"},
      {"latency", "of requests that were answered in the last interval"},
      {"queue wait", "of jobs begun in the last interval; depth: those that wait"},
      {"-", "cannot be told: too early, or the server was started again"},
  }};
  std::vector<TopLine> lines;
  for (const auto& [key, what] : kHelp) {
    lines.push_back({Bold(absl::StrFormat("%-18s", key)), Plain(std::string(what))});
  }
  return lines;
}

}  // namespace windlass
