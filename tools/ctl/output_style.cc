#include "tools/ctl/output_style.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/string_view.h"

namespace windlass {
namespace {

absl::string_view Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

bool UseColours(ColourChoice choice) {
  switch (choice) {
    case ColourChoice::kAlways:
      return true;
    case ColourChoice::kNever:
      return false;
    case ColourChoice::kAuto:
      break;
  }
  const absl::string_view terminal = Environment("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && Environment("NO_COLOR").empty() && !terminal.empty() &&
         terminal != "dumb";
}

TextStyle StyleOfOutput(ColourChoice choice) {
  TextStyle style;
  style.colours = UseColours(choice);
  winsize size = {};  // columns are 0 where nobody has said how wide the terminal is
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.columns = size.ws_col;
  }
  return style;
}

}  // namespace windlass
