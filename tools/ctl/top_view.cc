#include "tools/ctl/top_view.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/report/printable_text.h"
#include "tools/ctl/top_lines.h"

namespace windlass {
namespace {

// The part of a line that fits.
TopLine Cut(TopLine line, size_t columns) {
  TopLine cut;
  for (TopSpan& span : line) {
    if (columns == 0) break;
    const size_t width = DisplayWidth(span.text);
    if (width > columns) span.text = CutToWidth(span.text, columns);
    columns -= std::min(width, columns);
    cut.push_back(std::move(span));
  }
  return cut;
}

// The part of a list that a window of `rows` lines shows, and says so.
void AppendWindow(std::vector<TopLine> list, size_t rows, size_t scroll, TopDrawing* drawing) {
  drawing->page_lines = std::max<size_t>(rows, 1);
  drawing->scroll = list.size() > rows ? std::min(scroll, list.size() - rows) : 0;
  const size_t end = std::min(list.size(), drawing->scroll + rows);
  for (size_t i = drawing->scroll; i < end; ++i) drawing->lines.push_back(std::move(list[i]));
}

TopLine Footer(const TopControls& controls, size_t columns) {
  std::string keys =
      " q quit  h help  s stacks  < > r sort  w p a filter  space pause  + - interval";
  if (controls.page != TopPage::kProcesses) {
    keys = " q quit  esc back  up down page scroll  space pause";
  }
  keys = CutToWidth(keys, columns);
  keys.append(columns - DisplayWidth(keys), ' ');
  return {TopSpan{.text = std::move(keys), .reverse = true}};
}

// How many lines the running jobs get out of `rows`, with the names of their columns and what
// stands above them.
size_t RowsForJobs(size_t running, size_t rows) {
  constexpr size_t kAround = 3;  // a blank line, a title, the names of the columns
  if (running == 0 || rows < 12) return 0;
  return std::min(running, rows / 3 - kAround + 1) + kAround;
}

void AppendProcesses(const TopPicture& picture, const TopControls& controls, TopWindow window,
                     size_t rows, TopDrawing* drawing) {
  const std::vector<TopProcess>& all = picture.model.processes;
  const std::vector<TopProcess> arranged = Arrange(all, controls.order);
  std::vector<TopLine> table = TopProcessTable(arranged, controls.order, window.columns);
  const size_t job_rows = RowsForJobs(picture.model.running.size(), rows);
  rows -= job_rows;
  const bool has_title = rows >= 4;
  if (has_title)
    drawing->lines.push_back(TopTableTitle(arranged.size(), all.size(), controls.order));
  drawing->lines.push_back(std::move(table.front()));  // stays when the rest is scrolled
  table.erase(table.begin());
  const size_t before = drawing->lines.size();
  const size_t room = rows - std::min<size_t>(rows, has_title ? 2 : 1);
  AppendWindow(std::move(table), room, controls.scroll, drawing);
  if (job_rows == 0) return;
  // What the processes leave free belongs to the jobs.
  const size_t free_rows = room - (drawing->lines.size() - before);
  std::vector<TopLine> jobs = TopJobTable(picture.model.running);
  drawing->lines.push_back({});
  drawing->lines.push_back({TopSpan{.text = "SLOWEST RUNNING JOBS", .bold = true}});
  const size_t count = std::min(jobs.size(), job_rows - 2 + free_rows);
  std::move(jobs.begin(), jobs.begin() + static_cast<ptrdiff_t>(count),
            std::back_inserter(drawing->lines));
}

}  // namespace

TopDrawing DrawTop(const TopPicture& picture, const TopControls& controls, TopWindow window) {
  TopDrawing drawing;
  drawing.scroll = controls.scroll;
  if (window.rows == 0) return drawing;
  std::vector<TopLine> header = TopHeader(picture, controls, window.columns);
  // The list is what one came for: it gets half of a small window.
  const size_t most = std::max<size_t>(1, window.rows / 2);
  if (header.size() > most) header.resize(most);
  drawing.lines = std::move(header);
  const bool has_footer = window.rows >= 4;
  size_t rows = window.rows - drawing.lines.size() - (has_footer ? 1 : 0);
  if (rows > 4) {
    drawing.lines.emplace_back();
    --rows;
  }
  const size_t above = drawing.lines.size();
  if (controls.page == TopPage::kHelp) {
    AppendWindow(TopHelp(), rows, controls.scroll, &drawing);
  } else if (controls.page == TopPage::kStacks) {
    AppendWindow(TopStacks(picture), rows, controls.scroll, &drawing);
  } else if (picture.has_report && rows > 0) {
    AppendProcesses(picture, controls, window, rows, &drawing);
  }
  drawing.lines.resize(above + rows);  // so that the last line of the window is the footer
  if (has_footer) drawing.lines.push_back(Footer(controls, window.columns));
  for (TopLine& line : drawing.lines) line = Cut(std::move(line), window.columns);
  return drawing;
}

}  // namespace windlass
