#include "tools/ctl/top_input.h"

#include <algorithm>
#include <array>

namespace windlass {
namespace {

// The steps of + and -.
constexpr std::array<absl::Duration, 10> kIntervals = {
    absl::Milliseconds(100), absl::Milliseconds(200), absl::Milliseconds(500), absl::Seconds(1),
    absl::Seconds(2),        absl::Seconds(5),        absl::Seconds(10),       absl::Seconds(30),
    absl::Minutes(1),        absl::Minutes(5)};

absl::Duration Longer(absl::Duration interval) {
  const auto next = std::upper_bound(kIntervals.begin(), kIntervals.end(), interval);
  return next == kIntervals.end() ? interval : *next;
}

absl::Duration Shorter(absl::Duration interval) {
  const auto same = std::lower_bound(kIntervals.begin(), kIntervals.end(), interval);
  return same == kIntervals.begin() ? interval : *(same - 1);
}

// Names from A on, numbers from the largest on: what people look for first.
bool DescendsAtFirst(TopColumn column) {
  return column != TopColumn::kProcess && column != TopColumn::kState &&
         column != TopColumn::kHandler;
}

void SortBy(TopColumn column, TopControls* controls) {
  controls->order.column = column;
  controls->order.descending = DescendsAtFirst(column);
  controls->scroll = 0;
}

void MoveColumn(size_t by, TopControls* controls) {
  const size_t next = (static_cast<size_t>(controls->order.column) + by) % kTopColumnCount;
  SortBy(static_cast<TopColumn>(next), controls);
}

TopAction Show(TopPage page, TopControls* controls) {
  controls->page = controls->page == page ? TopPage::kProcesses : page;
  controls->scroll = 0;
  return controls->page == TopPage::kStacks ? TopAction::kAsk : TopAction::kRedraw;
}

// A key that moves the window over the list. False: it does not.
bool Scroll(TopKey key, size_t page_lines, size_t* scroll) {
  const size_t up = std::min(*scroll, page_lines);
  switch (key) {
    case kTopKeyUp:
    case 'k':
      *scroll -= std::min<size_t>(*scroll, 1);
      return true;
    case kTopKeyDown:
    case 'j':
      *scroll += 1;
      return true;
    case kTopKeyPageUp:
      *scroll -= up;
      return true;
    case kTopKeyPageDown:
      *scroll += page_lines;
      return true;
    case kTopKeyHome:
      *scroll = 0;
      return true;
    case kTopKeyEnd:
      *scroll = SIZE_MAX / 2;  // whoever draws it stops at the end of the list
      return true;
    default:
      return false;
  }
}

// A key of the list of processes. False: it is none.
bool Arrange(TopKey key, TopControls* controls) {
  const auto filter = [controls](TopFilter which) {
    controls->order.filter = which;
    controls->scroll = 0;
    return true;
  };
  switch (key) {
    case '<':
    case kTopKeyLeft:
      MoveColumn(kTopColumnCount - 1, controls);
      return true;
    case '>':
    case kTopKeyRight:
      MoveColumn(1, controls);
      return true;
    case 'r':
      controls->order.descending = !controls->order.descending;
      return true;
    case 'C':
      SortBy(TopColumn::kCpu, controls);
      return true;
    case 'R':
      SortBy(TopColumn::kRate, controls);
      return true;
    case 'M':
      SortBy(TopColumn::kRss, controls);
      return true;
    case 'T':
      SortBy(TopColumn::kRan, controls);
      return true;
    case 'N':
      SortBy(TopColumn::kProcess, controls);
      return true;
    case 'w':
      return filter(TopFilter::kWorkers);
    case 'p':
      return filter(TopFilter::kPool);
    case 'a':
      return filter(TopFilter::kAll);
    default:
      return false;
  }
}

}  // namespace

TopAction ApplyKey(TopKey key, size_t page_lines, TopControls* controls) {
  switch (key) {
    case 'q':
      return TopAction::kQuit;
    case 'h':
    case '?':
      return Show(TopPage::kHelp, controls);
    case 's':
      return Show(TopPage::kStacks, controls);
    case kTopKeyEscape:
      controls->page = TopPage::kProcesses;
      controls->scroll = 0;
      return TopAction::kRedraw;
    case ' ':
      controls->paused = !controls->paused;
      return controls->paused ? TopAction::kRedraw : TopAction::kAsk;
    case '+':
    case '=':  // the same key without shift
      controls->interval = Longer(controls->interval);
      return TopAction::kRedraw;
    case '-':
      controls->interval = Shorter(controls->interval);
      return TopAction::kRedraw;
    default:
      break;
  }
  if (Scroll(key, std::max<size_t>(page_lines, 1), &controls->scroll)) return TopAction::kRedraw;
  const bool arranged = controls->page == TopPage::kProcesses && Arrange(key, controls);
  return arranged ? TopAction::kRedraw : TopAction::kNothing;
}

}  // namespace windlass
