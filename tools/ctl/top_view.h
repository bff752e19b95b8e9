#ifndef WINDLASS_TOOLS_CTL_TOP_VIEW_H_
#define WINDLASS_TOOLS_CTL_TOP_VIEW_H_

#include <cstddef>
#include <string>
#include <vector>

#include "proto/ctl.pb.h"
#include "tools/ctl/text_table.h"
#include "tools/ctl/top_input.h"
#include "tools/ctl/top_model.h"

// What `windlassctl top` puts where in a window of any size. Knows no terminal. Pure.

namespace windlass {

// What is known of the server.
struct TopPicture {
  bool has_report = false;     // else all of it but `trouble` is empty
  proto::StatusReport report;  // the latest
  TopModel model;              // of that and the one before
  bool has_deaths = false;
  proto::DeathsReport deaths;  // the latest that was asked for
  std::string trouble;         // why there is no newer one; "" = all is well
};

struct TopWindow {
  size_t rows = 24;
  size_t columns = 80;
};

struct TopSpan {
  std::string text;
  Colour colour = Colour::kNone;
  bool bold = false;
  bool reverse = false;
};
using TopLine = std::vector<TopSpan>;

struct TopDrawing {
  std::vector<TopLine> lines;  // at most window.rows, each at most window.columns wide
  size_t scroll = 0;           // controls.scroll, but not beyond the end of the list
  size_t page_lines = 1;       // how much of the list is in the window
};

TopDrawing DrawTop(const TopPicture& picture, const TopControls& controls, TopWindow window);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_TOP_VIEW_H_
