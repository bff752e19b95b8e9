#include "tools/ctl/list_text.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tools/ctl/human_units.h"
#include "tools/ctl/printable_text.h"
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

}  // namespace

ListText ConnectionsText(const proto::ConnectionsReport& report, bool colours) {
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
                  PrintableLine(one.protocol()), PrintableLine(one.state()), Age(one.age_ms()),
                  Age(one.idle_ms()), absl::StrCat(one.in_flight()), absl::StrCat(one.recv_q()),
                  absl::StrCat(one.send_q()), absl::StrCat("worker-", one.slot()),
                  absl::StrCat(one.generation())});
  }
  text.table = table.Render(colours);
  return text;
}

ListText JobsText(const proto::JobsReport& report, bool colours) {
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
  text.table = table.Render(colours);
  return text;
}

ListText DeathsText(const proto::DeathsReport& report, bool colours) {
  const uint64_t listed = static_cast<uint64_t>(report.deaths_size());
  ListText text = {"no deaths\n", ""};
  if (report.total() > listed) {
    text.notes = absl::StrCat(report.total() - listed, " earlier deaths are not listed\n");
  }
  if (listed == 0) return text;
  TextTable table({{"TIME"},
                   {"PROCESS"},
                   {"PID", kRight},
                   {"GEN", kRight},
                   {"AGE", kRight},
                   {"JOB", kRight},
                   {"CAUSE"}});
  for (const proto::DeathsReport::Death& one : report.deaths()) {
    table.AddRow({UtcTime(absl::FromUnixMillis(one.time_unix_ms())),
                  absl::StrCat(PrintableLine(one.role()), "-", one.slot()), absl::StrCat(one.pid()),
                  absl::StrCat(one.generation()), Age(one.age_ms()),
                  one.job_id() == 0 ? "" : absl::StrCat(one.job_id()), PrintableLine(one.cause())});
  }
  text.table = table.Render(colours);
  return text;
}

}  // namespace windlass
