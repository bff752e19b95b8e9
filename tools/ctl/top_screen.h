#ifndef WINDLASS_TOOLS_CTL_TOP_SCREEN_H_
#define WINDLASS_TOOLS_CTL_TOP_SCREEN_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tools/ctl/top_view.h"

namespace windlass {

// Role: the terminal of windlassctl top, by ncurses. There can be one at a time. Owns the state of
// the terminal: the destructor gives it back as it was.
// Blocking: only on a terminal that takes no output.
// Signals: REQUIRES that SIGINT, SIGTERM and SIGWINCH are blocked, so that ncurses' own handlers
// do not run. SIGTSTP is left to it.
class TopScreen {
 public:
  // FailedPrecondition: the terminal is not one that can be drawn on.
  static absl::StatusOr<std::unique_ptr<TopScreen>> Open(bool colours);
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  TopWindow window() const;
  void TakeNewSize();  // after SIGWINCH
  void Draw(const TopDrawing& drawing);
  // The next key that is here; kTopKeyNone: there is none.
  TopKey TakeKey();

 private:
  explicit TopScreen(bool colours) : colours_(colours) {}

  const bool colours_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_TOP_SCREEN_H_
