#include "tools/ctl/top_screen.h"

#include <langinfo.h>
#include <ncurses.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

// Short, because nothing that we read begins with Escape over a line that is slower than that.
constexpr int kEscapeMs = 50;

short PairOf(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return 0;
    case Colour::kGreen:
      return 1;
    case Colour::kYellow:
      return 2;
    case Colour::kRed:
      return 3;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

// All our text is UTF-8, in whatever locale we are run.
void SpeakUtf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

bool StartColours() {
  if (!::has_colors() || ::start_color() == ERR) return false;
  const short background = ::use_default_colors() == OK ? -1 : COLOR_BLACK;
  ::init_pair(PairOf(Colour::kGreen), COLOR_GREEN, background);
  ::init_pair(PairOf(Colour::kYellow), COLOR_YELLOW, background);
  ::init_pair(PairOf(Colour::kRed), COLOR_RED, background);
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TopScreen>> TopScreen::Open(bool colours) {
  SpeakUtf8();
  // Not initscr, which ends the program when it does not know the terminal.
  if (::newterm(nullptr, stdout, stdin) == nullptr) {
    const char* const name = std::getenv("TERM");
    return absl::FailedPreconditionError(
        absl::StrCat("top: cannot draw on a terminal of the kind TERM='",
                     name == nullptr ? "" : name, "'; windlassctl status needs none"));
  }
  ::cbreak();
  ::noecho();
  ::nonl();
  ::keypad(stdscr, TRUE);
  ::nodelay(stdscr, TRUE);
  ::set_escdelay(kEscapeMs);
  ::curs_set(0);
  return absl::WrapUnique(new TopScreen(colours && StartColours()));
}

TopScreen::~TopScreen() { ::endwin(); }

TopWindow TopScreen::window() const {
  return {static_cast<size_t>(getmaxy(stdscr)), static_cast<size_t>(getmaxx(stdscr))};
}

void TopScreen::TakeNewSize() {
  winsize size = {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
    return;
  ::resizeterm(size.ws_row, size.ws_col);
}

void TopScreen::Draw(const TopDrawing& drawing) {
  ::erase();
  for (size_t row = 0; row < drawing.lines.size(); ++row) {
    ::move(static_cast<int>(row), 0);
    for (const TopSpan& span : drawing.lines[row]) {
      ::attr_set((span.bold ? A_BOLD : A_NORMAL) | (span.reverse ? A_REVERSE : A_NORMAL),
                 colours_ ? PairOf(span.colour) : short{0}, nullptr);
      ::addstr(span.text.c_str());  // of the last cell of a window it says ERR, and shows it
    }
  }
  ::attr_set(A_NORMAL, 0, nullptr);
  ::refresh();
}

TopKey TopScreen::TakeKey() {
  const int key = ::getch();
  switch (key) {
    case ERR:
      return kTopKeyNone;
    case KEY_UP:
      return kTopKeyUp;
    case KEY_DOWN:
      return kTopKeyDown;
    case KEY_LEFT:
      return kTopKeyLeft;
    case KEY_RIGHT:
      return kTopKeyRight;
    case KEY_PPAGE:
      return kTopKeyPageUp;
    case KEY_NPAGE:
      return kTopKeyPageDown;
    case KEY_HOME:
      return kTopKeyHome;
    case KEY_END:
      return kTopKeyEnd;
    default:
      return key;
  }
}

}  // namespace windlass
