#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/report/human_units.h"
#include "common/report/printable_text.h"
#include "tools/ctl/status_text.h"
#include "tools/ctl/top_lines.h"

namespace windlass {
namespace {

constexpr absl::string_view kUnknown = "-";

struct ColumnSpec {
  TopColumn column;
  absl::string_view name;
  bool left;       // text; numbers are aligned right
  int importance;  // columns of the lowest go first when the window is narrow
};
constexpr std::array<ColumnSpec, kTopColumnCount> kColumns = {
    {{TopColumn::kProcess, "PROCESS", true, 11},
     {TopColumn::kPid, "PID", false, 2},
     {TopColumn::kGeneration, "GEN", false, 1},
     {TopColumn::kState, "STATE", true, 7},
     {TopColumn::kAge, "AGE", false, 4},
     {TopColumn::kLoad, "LOAD", false, 5},
     {TopColumn::kRate, "RATE/S", false, 10},
     {TopColumn::kCpu, "CPU%", false, 6},
     {TopColumn::kRss, "RSS", false, 3},
     {TopColumn::kRan, "FOR", false, 9},
     {TopColumn::kHandler, "HANDLER", true, 8}}};
static_assert(kColumns.back().column == TopColumn::kHandler, "in the order of TopColumn");

const ColumnSpec& SpecOf(TopColumn column) { return kColumns[static_cast<size_t>(column)]; }

std::string ValueOf(const TopProcess& process, TopColumn column) {
  switch (column) {
    case TopColumn::kProcess:
      return process.name();
    case TopColumn::kPid:
      return process.pid == 0 ? std::string(kUnknown) : absl::StrCat(process.pid);
    case TopColumn::kGeneration:
      return absl::StrCat(process.generation);
    case TopColumn::kState:
      return process.state;
    case TopColumn::kAge:
      return HumanAge(process.age);
    case TopColumn::kLoad:
      return process.load ? ShortCount(*process.load) : "";
    case TopColumn::kRate:
      return process.rate ? ShortRate(*process.rate) : std::string(kUnknown);
    case TopColumn::kCpu:
      return process.cpu ? absl::StrFormat("%.0f", *process.cpu) : std::string(kUnknown);
    case TopColumn::kRss:
      return process.rss_bytes == 0 ? std::string(kUnknown) : ShortSize(process.rss_bytes);
    case TopColumn::kRan:
      return process.job == 0 ? "" : HumanAge(process.ran);
    case TopColumn::kHandler:
      return process.job == 0 ? "" : process.handler;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

// A column of a table: its cells, and how wide they are.
struct Shown {
  const ColumnSpec* spec;
  std::vector<std::string> cells;
  size_t width;
};

Shown Show(const ColumnSpec& spec, const std::vector<TopProcess>& processes) {
  Shown shown = {&spec, {}, DisplayWidth(spec.name)};
  for (const TopProcess& process : processes) {
    shown.cells.push_back(ValueOf(process, spec.column));
    shown.width = std::max(shown.width, DisplayWidth(shown.cells.back()));
  }
  return shown;
}

// How wide they are side by side; the last one may be cut.
size_t LeastWidth(const std::vector<Shown>& columns) {
  size_t width = 0;
  for (const Shown& column : columns) {
    const bool may_be_cut = column.spec->column == TopColumn::kHandler;
    width += 1 + (may_be_cut ? DisplayWidth(column.spec->name) : column.width);
  }
  return width - 1;
}

void LeaveOutWhatDoesNotFit(size_t columns, std::vector<Shown>* shown) {
  while (shown->size() > 1 && LeastWidth(*shown) > columns) {
    shown->erase(std::min_element(shown->begin(), shown->end(), [](const auto& a, const auto& b) {
      return a.spec->importance < b.spec->importance;
    }));
  }
}

std::string Padded(absl::string_view text, const Shown& column) {
  const std::string padding(column.width - DisplayWidth(text), ' ');
  return column.spec->left ? absl::StrCat(text, padding) : absl::StrCat(padding, text);
}

}  // namespace

TopLine TopTableTitle(size_t shown, size_t all, const TopOrder& order) {
  const ColumnSpec& column = SpecOf(order.column);
  const char* const direction = column.left
                                    ? (order.descending ? ", from Z to A" : "")
                                    : (order.descending ? ", largest first" : ", smallest first");
  const char* const filter = order.filter == TopFilter::kWorkers ? ", workers only"
                             : order.filter == TopFilter::kPool  ? ", pool only"
                                                                 : "";
  return {TopSpan{.text = "PROCESSES", .bold = true},
          TopSpan{.text = absl::StrCat("  ", shown, " of ", all, ", by ", column.name, direction,
                                       filter)}};
}

std::vector<TopLine> TopProcessTable(const std::vector<TopProcess>& processes,
                                     const TopOrder& order, size_t columns) {
  std::vector<Shown> shown;
  for (const ColumnSpec& spec : kColumns) shown.push_back(Show(spec, processes));
  LeaveOutWhatDoesNotFit(columns, &shown);
  // Two blanks between columns where there is room for them.
  const std::string gap(LeastWidth(shown) + shown.size() <= columns ? 2 : 1, ' ');
  std::vector<TopLine> lines(processes.size() + 1);
  for (const Shown& column : shown) {
    const bool sorted = column.spec->column == order.column;
    const std::string before = lines[0].empty() ? "" : gap;
    if (!before.empty()) lines[0].push_back(TopSpan{.text = before, .reverse = true});
    lines[0].push_back(
        TopSpan{.text = Padded(column.spec->name, column), .bold = sorted, .reverse = !sorted});
    for (size_t i = 0; i < processes.size(); ++i) {
      const Colour colour = column.spec->column == TopColumn::kState
                                ? ColourOfState(processes[i].state)
                                : Colour::kNone;
      lines[i + 1].push_back(
          TopSpan{.text = before + Padded(column.cells[i], column), .colour = colour});
    }
  }
  return lines;
}

}  // namespace windlass
