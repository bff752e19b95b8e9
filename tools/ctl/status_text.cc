#include "tools/ctl/status_text.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config.h"
#include "common/report/human_units.h"
#include "common/report/printable_text.h"
#include "tools/ctl/percentile.h"

namespace windlass {
namespace {

constexpr auto kRight = Column::Align::kRight;

std::string Paint(const TextStyle& style, absl::string_view text, Colour colour) {
  return style.colours ? Painted(text, colour) : std::string(text);
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

std::string LastReload(const proto::StatusReport& report, absl::Time now, const TextStyle& style) {
  if (!report.has_last_reload()) return "none yet";
  const proto::StatusReport::LastReload& last = report.last_reload();
  const absl::Duration ago =
      std::max(now - absl::FromUnixMillis(last.time_unix_ms()), absl::ZeroDuration());
  const std::string message = PrintableLine(last.message());
  return absl::StrCat(last.ok() ? "ok" : Paint(style, "FAILED", Colour::kRed), ", ",
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

void AppendServer(const proto::StatusReport& report, absl::Time now, const TextStyle& style,
                  std::string* out) {
  const std::string state = PrintableLine(report.state());
  absl::StrAppend(out, "windlassd ", PrintableLine(report.version()), ", pid ", report.pid(), ": ",
                  Paint(style, state, ColourOfState(state)), "\n");
  AppendFact("uptime", Age(report.uptime_ms()), out);
  AppendFact("generation", absl::StrCat(report.generation()), out);
  AppendFact("configuration", PrintableLine(report.config_source()), out);
  AppendFact("last reload", LastReload(report, now, style), out);
  AppendFact("workers", SizeText(report.workers()), out);
  // Where there are several, there is a table of them.
  if (report.pools_size() < 2) AppendFact("pool", SizeText(report.pool()), out);
}

// Of pools beside the default one, or whose number follows the load.
bool HasMoreToTellOfPools(const proto::StatusReport& report) {
  return report.pools_size() > 1 || (report.pools_size() == 1 && report.pools(0).max() > 0);
}

std::string PoolsTable(const proto::StatusReport& report, const TextStyle& style) {
  TextTable table({{"POOL"},
                   {"PROCESSES", kRight},
                   {"READY", kRight},
                   {"MIN", kRight},
                   {"MAX", kRight},
                   {"RUNNING", kRight},
                   {"WAITING", kRight},
                   {"PAYLOADS", kRight},
                   {"SANDBOX"}});
  for (const proto::StatusReport::Pool& pool : report.pools()) {
    const bool follows = pool.max() > 0;
    proto::StatusReport::Size size;
    size.set_wanted(pool.wanted());
    size.set_configured(follows ? pool.wanted() : pool.configured());
    size.set_kept(pool.kept());
    table.AddRow({PrintableLine(pool.name()), SizeText(size), absl::StrCat(pool.ready()),
                  follows ? absl::StrCat(pool.min()) : "", follows ? absl::StrCat(pool.max()) : "",
                  absl::StrCat(pool.running()), absl::StrCat(pool.waiting()),
                  pool.payload_bytes() == 0 ? "" : HumanSize(pool.payload_bytes()),
                  PrintableLine(pool.sandbox())});
  }
  return table.Render(style);
}

std::string ListenersTable(const proto::StatusReport& report, const TextStyle& style) {
  TextTable table({{"ADDRESS"}, {"PROTOCOL"}, {"GENERATION", kRight}});
  for (const proto::StatusReport::Listener& listener : report.listeners()) {
    table.AddRow({PrintableLine(listener.address()), PrintableLine(listener.protocol()),
                  absl::StrCat(listener.generation())});
  }
  for (const std::string& address : report.admin()) {
    table.AddRow({PrintableLine(address), "admin", absl::StrCat(report.generation())});
  }
  return table.Render(style);
}

std::string GenerationsTable(const proto::StatusReport& report, const TextStyle& style) {
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
  return table.Render(style);
}

std::string ProcessesTable(const proto::StatusReport& report, const TextStyle& style) {
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
                   {"HANDLER"},
                   {"QUICK DEATHS", kRight}});
  for (const proto::StatusReport::Process& one : report.processes()) {
    const std::string state = PrintableLine(one.state());
    const bool has_clients = one.role() != "pool";
    // Whose it is, where that is not plain.
    const std::string role = one.pool().empty() || one.pool() == kDefaultPool
                                 ? one.role()
                                 : absl::StrCat(one.role(), " ", one.pool());
    table.AddRow({PrintableLine(role), absl::StrCat(one.slot()),
                  UnlessZero(static_cast<uint64_t>(std::max(one.pid(), 0))),
                  absl::StrCat(one.generation()), Cell(state, ColourOfState(state)),
                  Age(one.age_ms()), has_clients ? absl::StrCat(one.connections()) : "",
                  has_clients ? absl::StrCat(one.requests()) : "", absl::StrCat(one.jobs()),
                  one.rss_bytes() == 0 ? "" : HumanSize(one.rss_bytes()), UnlessZero(one.job_id()),
                  one.job_id() == 0 ? "" : Age(one.job_ms()),
                  one.job_id() == 0 ? "" : PrintableLine(one.handler()),
                  UnlessZero(one.quick_deaths())});
  }
  return table.Render(style);
}

std::string ErrorsText(const proto::StatusReport::Totals& totals) {
  std::vector<std::string> parts;
  for (const proto::StatusReport::ErrorCount& error : totals.errors_by_code()) {
    if (error.count() == 0) continue;
    parts.push_back(absl::StrCat(PrintableLine(error.code()), " ", error.count()));
  }
  return parts.empty() ? "none" : absl::StrJoin(parts, ", ");
}

// Nothing, while nothing was counted.
void AppendPercentiles(absl::string_view name, const proto::Histogram& histogram,
                       std::string* out) {
  if (PercentileOf(histogram, 1)) AppendFact(name, PercentilesText(histogram), out);
}

std::string TotalsText(const proto::StatusReport& report) {
  const proto::StatusReport::Totals& totals = report.totals();
  std::string out;
  AppendFact("accepted", absl::StrCat(totals.accepted()), &out);
  AppendFact("connections", absl::StrCat(totals.connections()), &out);
  AppendFact("connections moved", absl::StrCat(totals.connections_moved()), &out);
  AppendFact("requests", absl::StrCat(totals.requests()), &out);
  AppendFact("errors", ErrorsText(totals), &out);
  AppendFact("jobs", absl::StrCat(totals.jobs()), &out);
  AppendFact("queue depth", absl::StrCat(totals.queue_depth()), &out);
  AppendPercentiles("latency", report.latency(), &out);
  AppendPercentiles("queue wait", report.queue_wait(), &out);
  AppendPercentiles("run time", report.run_time(), &out);
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

void AppendLastTroubles(const proto::StatusReport& report, absl::Time now, const TextStyle& style,
                        std::string* out) {
  if (report.has_last_death()) {
    const proto::DeathsReport::Death& one = report.last_death();
    AppendFact("last death",
               absl::StrCat(PrintableLine(one.role()), "-", one.slot(), " ",
                            Paint(style, PrintableLine(one.cause()),
                                  ColourOfDeath(one.kind(), one.expected())),
                            In(one.stack()), ", ",
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

Colour ColourOfDeath(absl::string_view kind, bool expected) {
  constexpr std::array<absl::string_view, 5> kOurs = {"deadline", "operator", "recycle",
                                                      "memory_limit", "unresponsive"};
  if (expected) return Colour::kNone;
  return std::find(kOurs.begin(), kOurs.end(), kind) != kOurs.end() ? Colour::kYellow
                                                                    : Colour::kRed;
}

std::string StatusText(const proto::StatusReport& report, absl::Time now, const TextStyle& style) {
  std::string out;
  for (const std::string& role : report.failed_roles()) {
    const std::string line = absl::StrCat("FAILED: no ", PrintableLine(role),
                                          " process can be started (see windlassctl deaths)");
    absl::StrAppend(&out, Paint(style, line, Colour::kRed), "\n");
  }
  AppendServer(report, now, style, &out);
  absl::StrAppend(&out, "\nLISTENERS\n", ListenersTable(report, style));
  if (report.generations_size() > 1) {
    absl::StrAppend(&out, "\nGENERATIONS\n", GenerationsTable(report, style));
  }
  if (HasMoreToTellOfPools(report)) {
    absl::StrAppend(&out, "\nPOOLS\n", PoolsTable(report, style));
  }
  absl::StrAppend(&out, "\nPROCESSES\n", ProcessesTable(report, style));
  absl::StrAppend(&out, "\nTOTALS\n", TotalsText(report));
  AppendLastTroubles(report, now, style, &out);
  return out;
}

}  // namespace windlass
