#include "tools/ctl/list_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/report/human_units.h"
#include "common/report/printable_text.h"
#include "tools/ctl/status_text.h"
#include "tools/ctl/text_table.h"

namespace windlass {
namespace {

constexpr auto kRight = Column::Align::kRight;

std::string Age(int64_t ms) { return HumanAge(absl::Milliseconds(ms)); }

// A report that workers were asked for.
template <typename Report>
std::string Notes(const Report& report, absl::string_view what) {
  std::string notes;
  for (const uint32_t slot : report.silent_workers()) {
    absl::StrAppend(&notes, "worker-", slot, " did not answer\n");
  }
  if (report.left_out() != 0) {
    absl::StrAppend(&notes, report.left_out(), " more ", what, " are not listed\n");
  }
  return notes;
}

std::string Deadline(int64_t ms) {
  if (ms == 0) return "";
  return ms < 0 ? absl::StrCat("passed ", HumanAge(-absl::Milliseconds(ms)), " ago")
                : absl::StrCat("in ", Age(ms));
}

// A heading, and a call stack below it.
template <typename Lines>
std::string StackText(absl::string_view heading, const Lines& stack, absl::string_view no_stack) {
  std::string text = absl::StrCat("\n", heading, "\n");
  if (!no_stack.empty()) absl::StrAppend(&text, "  no stack: ", PrintableLine(no_stack), "\n");
  int frame = 0;
  for (const auto& line : stack) {
    absl::StrAppend(&text, "  #", frame++, " ", PrintableLine(line), "\n");
  }
  return text;
}

std::string PayloadText(const proto::DeathsReport::Death& death) {
  std::string text =
      absl::StrCat("; ", death.payload_bytes(), " bytes, attempt ", death.attempt(), ", ran ",
                   Age(death.job_ms()), ", peak memory ", HumanSize(death.peak_rss_bytes()));
  if (death.has_fault_address()) {
    absl::StrAppend(&text, ", fault address 0x", absl::Hex(death.fault_address()));
  }
  if (!death.forbidden_call().empty()) {
    absl::StrAppend(&text, ", called ", PrintableLine(death.forbidden_call()));
  }
  return text;
}

// Yellow: the server holds it back, or gives it away.
Cell ConnectionState(absl::string_view state) {
  constexpr std::array<absl::string_view, 4> kHeld = {"at-limit", "awaiting-memory", "quiescing",
                                                      "moving"};
  const bool held = std::find(kHeld.begin(), kHeld.end(), state) != kHeld.end();
  return Cell(PrintableLine(state), held ? Colour::kYellow : Colour::kNone);
}

}  // namespace

ListText ConnectionsText(const proto::ConnectionsReport& report, const TextStyle& style) {
  ListText text = {"no connections\n", Notes(report, "connections")};
  if (report.connections().empty()) return text;
  TextTable table({{"PEER"},
                   {"LISTENER"},
                   {"PROTOCOL"},
                   {"STATE"},
                   {"AGE", kRight},
                   {"IDLE", kRight},
                   {"IN-FLIGHT", kRight},
                   {"RECV-Q", kRight},
                   {"SEND-Q", kRight},
                   {"WORKER"},
                   {"GEN", kRight}});
  for (const proto::ConnectionsReport::Connection& one : report.connections()) {
    table.AddRow({PrintableLine(one.peer()), PrintableLine(one.listener()),
                  PrintableLine(one.protocol()), ConnectionState(one.state()), Age(one.age_ms()),
                  Age(one.idle_ms()), absl::StrCat(one.in_flight()), absl::StrCat(one.recv_q()),
                  absl::StrCat(one.send_q()), absl::StrCat("worker-", one.slot()),
                  absl::StrCat(one.generation())});
  }
  text.table = table.Render(style);
  return text;
}

ListText JobsText(const proto::JobsReport& report, const TextStyle& style) {
  ListText text = {"no jobs\n", Notes(report, "jobs")};
  if (report.jobs().empty()) return text;
  TextTable table({{"JOB", kRight},
                   {"STATE"},
                   {"HANDLER"},
                   {"AGE", kRight},
                   {"DEADLINE"},
                   {"PROCESS"},
                   {"PID", kRight}});
  for (const proto::JobsReport::Job& one : report.jobs()) {
    const bool late = one.deadline_ms() < 0;
    table.AddRow({absl::StrCat(one.id()),
                  one.running() ? Cell("running", Colour::kGreen) : Cell("waiting"),
                  PrintableLine(one.handler()), Age(one.age_ms()),
                  Cell(Deadline(one.deadline_ms()), late ? Colour::kRed : Colour::kNone),
                  absl::StrCat(one.running() ? "pool-" : "worker-", one.slot()),
                  one.pid() == 0 ? "" : absl::StrCat(one.pid())});
  }
  text.table = table.Render(style);
  return text;
}

ListText QuarantineText(const proto::QuarantineReport& report, const TextStyle& style) {
  ListText text = {"no payload is in quarantine\n", ""};
  if (report.entries().empty()) return text;
  TextTable table({{"ID"},
                   {"HANDLER"},
                   {"BYTES", kRight},
                   {"CRASHES", kRight},
                   {"LAST-CRASH"},
                   {"EXPIRES-IN", kRight}});
  for (const proto::QuarantineReport::Entry& one : report.entries()) {
    table.AddRow({PrintableLine(one.id()), PrintableLine(one.handler()), absl::StrCat(one.bytes()),
                  absl::StrCat(one.crashes()), UtcTime(absl::FromUnixMillis(one.last_unix_ms())),
                  Age(one.expires_ms())});
  }
  text.table = table.Render(style);
  return text;
}

ListText DeathsText(const proto::DeathsReport& report, const TextStyle& style) {
  ListText text = {"no deaths\n", ""};
  TextTable table({{"TIME"},
                   {"PROCESS"},
                   {"PID", kRight},
                   {"GEN", kRight},
                   {"AGE", kRight},
                   {"JOB", kRight},
                   {"HANDLER"},
                   {"CAUSE"}});
  uint64_t listed = 0, ended = 0;
  std::string stacks;
  for (const proto::DeathsReport::Death& one : report.deaths()) {
    if (one.expected()) {
      ++ended;
      continue;
    }
    ++listed;
    const std::string process = absl::StrCat(PrintableLine(one.role()), "-", one.slot());
    const std::string cause = PrintableLine(one.cause());
    table.AddRow({UtcTime(absl::FromUnixMillis(one.time_unix_ms())), process,
                  absl::StrCat(one.pid()), absl::StrCat(one.generation()), Age(one.age_ms()),
                  one.job_id() == 0 ? "" : absl::StrCat(one.job_id()), PrintableLine(one.handler()),
                  Cell(cause, ColourOfDeath(one.kind(), false))});
    if (one.stack().empty() && one.no_stack().empty()) continue;
    stacks = StackText(absl::StrCat("the last with a job, ", process, " (pid ", one.pid(), "), ",
                                    cause, PayloadText(one)),
                       one.stack(), one.no_stack());
  }
  if (listed > 0) text.table = absl::StrCat(table.Render(style), stacks);
  if (report.slow_size() > 0) {
    const proto::DeathsReport::Slow& slow = report.slow(report.slow_size() - 1);
    absl::StrAppend(
        &text.table,
        StackText(absl::StrCat("slow jobs: ", report.slow_total(), ", the last at ",
                               UtcTime(absl::FromUnixMillis(slow.time_unix_ms())), ": ",
                               PrintableLine(slow.handler()), ", job ", slow.job_id(), " in ",
                               PrintableLine(slow.process()), " after ", Age(slow.ran_ms()),
                               slow.past_deadline() ? ", past its deadline" : ""),
                  slow.stack(), ""));
  }
  if (report.total() > listed) {
    text.notes = absl::StrCat(report.total() - listed, " earlier deaths are not listed\n");
  }
  if (ended > 0) {
    absl::StrAppend(&text.notes, ended, " processes ended as they were told (--json lists them)\n");
  }
  return text;
}

}  // namespace windlass
