#include "tools/ctl/status_text.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/report/human_units.h"
#include "common/report/printable_text.h"

namespace windlass {
namespace {

constexpr auto kRight = Column::Align::kRight;

std::string Paint(bool colours, absl::string_view text, Colour colour) {
  return colours ? Painted(text, colour) : std::string(text);
}

std::string Age(int64_t ms) { return HumanAge(absl::Milliseconds(ms)); }

// A number that says nothing where it is 0.
std::string UnlessZero(uint64_t number) { return number == 0 ? "" : absl::StrCat(number); }

// "last reload    ok, 5s ago"
void AppendFact(absl::string_view name, absl::string_view value, std::string* out) {
  constexpr size_t kValueColumn = 20;
  const size_t padding = kValueColumn - std::min(name.size(), kValueColumn - 1);
  absl::StrAppend(out, name, std::string(padding, ' '), value, "\n");
}

std::string LastReload(const proto::StatusReport& report, absl::Time now, bool colours) {
  if (!report.has_last_reload()) return "none yet";
  const proto::StatusReport::LastReload& last = report.last_reload();
  const absl::Duration ago =
      std::max(now - absl::FromUnixMillis(last.time_unix_ms()), absl::ZeroDuration());
  const std::string message = PrintableLine(last.message());
  return absl::StrCat(last.ok() ? "ok" : Paint(colours, "FAILED", Colour::kRed), ", ",
                      HumanAge(absl::Floor(ago, absl::Seconds(1))), " ago",
                      message.empty() ? "" : ": ", message);
}

std::string SizeText(const proto::StatusReport::Size& size) {
  return absl::StrCat(size.wanted(),
                      size.wanted() == size.configured()
                          ? ""
                          : absl::StrCat(" (file says ", size.configured(), ")"),
                      size.kept() ? ", kept" : "");
}

void AppendServer(const proto::StatusReport& report, absl::Time now, bool colours,
                  std::string* out) {
  const std::string state = PrintableLine(report.state());
  absl::StrAppend(out, "windlassd ", PrintableLine(report.version()), ", pid ", report.pid(), ": ",
                  Paint(colours, state, ColourOfState(state)), "\n");
  AppendFact("uptime", Age(report.uptime_ms()), out);
  AppendFact("generation", absl::StrCat(report.generation()), out);
  AppendFact("configuration", PrintableLine(report.config_source()), out);
  AppendFact("last reload", LastReload(report, now, colours), out);
  AppendFact("workers", SizeText(report.workers()), out);
  AppendFact("pool", SizeText(report.pool()), out);
}

std::string ListenersTable(const proto::StatusReport& report, bool colours) {
  TextTable table({{"ADDRESS"}, {"PROTOCOL"}, {"GENERATION", kRight}});
  for (const proto::StatusReport::Listener& listener : report.listeners()) {
    table.AddRow({PrintableLine(listener.address()), PrintableLine(listener.protocol()),
                  absl::StrCat(listener.generation())});
  }
  return table.Render(colours);
}

std::string GenerationsTable(const proto::StatusReport& report, bool colours) {
  TextTable table({{"GENERATION", kRight},
                   {"STATE"},
                   {"AGE", kRight},
                   {"WORKERS", kRight},
                   {"POOL", kRight},
                   {"NOTE"}});
  for (const proto::StatusReport::Generation& one : report.generations()) {
    const std::string state = PrintableLine(one.state());
    table.AddRow({absl::StrCat(one.number()), Cell(state, ColourOfState(state)), Age(one.age_ms()),
                  absl::StrCat(one.workers()), absl::StrCat(one.pool()),
                  PrintableLine(one.note())});
  }
  return table.Render(colours);
}

std::string ProcessesTable(const proto::StatusReport& report, bool colours) {
  TextTable table({{"ROLE"},
                   {"SLOT", kRight},
                   {"PID", kRight},
                   {"GEN", kRight},
                   {"STATE"},
                   {"AGE", kRight},
                   {"CONNECTIONS", kRight},
                   {"REQUESTS", kRight},
                   {"JOBS", kRight},
                   {"RSS", kRight},
                   {"RUNNING JOB", kRight},
                   {"FOR", kRight},
                   {"QUICK DEATHS", kRight}});
  for (const proto::StatusReport::Process& one : report.processes()) {
    const std::string state = PrintableLine(one.state());
    const bool has_clients = one.role() != "pool";
    table.AddRow({PrintableLine(one.role()), absl::StrCat(one.slot()),
                  UnlessZero(static_cast<uint64_t>(std::max(one.pid(), 0))),
                  absl::StrCat(one.generation()), Cell(state, ColourOfState(state)),
                  Age(one.age_ms()), has_clients ? absl::StrCat(one.connections()) : "",
                  has_clients ? absl::StrCat(one.requests()) : "", absl::StrCat(one.jobs()),
                  one.rss_bytes() == 0 ? "" : HumanSize(one.rss_bytes()), UnlessZero(one.job_id()),
                  one.job_id() == 0 ? "" : Age(one.job_ms()), UnlessZero(one.quick_deaths())});
  }
  return table.Render(colours);
}

std::string ErrorsText(const proto::StatusReport::Totals& totals) {
  std::vector<std::string> parts;
  for (const proto::StatusReport::ErrorCount& error : totals.errors_by_code()) {
    if (error.count() == 0) continue;
    parts.push_back(absl::StrCat(PrintableLine(error.code()), " ", error.count()));
  }
  return parts.empty() ? "none" : absl::StrJoin(parts, ", ");
}

std::string TotalsText(const proto::StatusReport::Totals& totals) {
  std::string out;
  AppendFact("accepted", absl::StrCat(totals.accepted()), &out);
  AppendFact("connections", absl::StrCat(totals.connections()), &out);
  AppendFact("connections moved", absl::StrCat(totals.connections_moved()), &out);
  AppendFact("requests", absl::StrCat(totals.requests()), &out);
  AppendFact("errors", ErrorsText(totals), &out);
  AppendFact("jobs", absl::StrCat(totals.jobs()), &out);
  AppendFact("queue depth", absl::StrCat(totals.queue_depth()), &out);
  AppendFact("deaths", absl::StrCat(totals.deaths()), &out);
  AppendFact("retries", absl::StrCat(totals.retries()), &out);
  AppendFact("log lines dropped", absl::StrCat(totals.log_lines_dropped()), &out);
  return out;
}

// Where the job was: the innermost place of its call stack.
template <typename Stack>
std::string In(const Stack& stack) {
  return stack.empty() ? "" : absl::StrCat(" in ", PrintableLine(stack.Get(0)));
}

void AppendLastTroubles(const proto::StatusReport& report, absl::Time now, std::string* out) {
  if (report.has_last_death()) {
    const proto::DeathsReport::Death& one = report.last_death();
    AppendFact("last death",
               absl::StrCat(PrintableLine(one.role()), "-", one.slot(), " ",
                            PrintableLine(one.cause()), In(one.stack()), ", ",
                            HumanAge(now - absl::FromUnixMillis(one.time_unix_ms())), " ago"),
               out);
  }
  if (report.slow_total() > 0) {
    const proto::DeathsReport::Slow& one = report.last_slow();
    AppendFact("slow jobs",
               absl::StrCat(report.slow_total(), ", the last of ", PrintableLine(one.handler()),
                            In(one.stack()), ", ",
                            HumanAge(now - absl::FromUnixMillis(one.time_unix_ms())), " ago"),
               out);
  }
}

}  // namespace

Colour ColourOfState(absl::string_view state) {
  constexpr std::array<absl::string_view, 1> kGood = {"serving"};
  constexpr std::array<absl::string_view, 4> kPassing = {"starting", "reloading", "upgrading",
                                                         "draining"};
  constexpr std::array<absl::string_view, 5> kBad = {"waiting", "failed", "degraded", "killed",
                                                     "ending"};
  const auto in = [state](const auto& list) {
    return std::find(list.begin(), list.end(), state) != list.end();
  };
  return in(kGood)      ? Colour::kGreen
         : in(kPassing) ? Colour::kYellow
         : in(kBad)     ? Colour::kRed
                        : Colour::kNone;
}

std::string StatusText(const proto::StatusReport& report, absl::Time now, bool colours) {
  std::string out;
  for (const std::string& role : report.failed_roles()) {
    const std::string line = absl::StrCat("FAILED: no ", PrintableLine(role),
                                          " process can be started (see windlassctl deaths)");
    absl::StrAppend(&out, Paint(colours, line, Colour::kRed), "\n");
  }
  AppendServer(report, now, colours, &out);
  absl::StrAppend(&out, "\nLISTENERS\n", ListenersTable(report, colours));
  if (report.generations_size() > 1) {
    absl::StrAppend(&out, "\nGENERATIONS\n", GenerationsTable(report, colours));
  }
  absl::StrAppend(&out, "\nPROCESSES\n", ProcessesTable(report, colours));
  absl::StrAppend(&out, "\nTOTALS\n", TotalsText(report.totals()));
  AppendLastTroubles(report, now, &out);
  return out;
}

}  // namespace windlass
