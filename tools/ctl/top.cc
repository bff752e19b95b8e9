#include "tools/ctl/top.h"

#include <signal.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "common/posix.h"
#include "tools/client/dial.h"
#include "tools/ctl/output_style.h"
#include "tools/ctl/top_screen.h"
#include "tools/ctl/top_watch.h"

namespace windlass {
namespace {

// The signals that the loop reads instead of being interrupted by them.
absl::StatusOr<OwnedFd> TakeSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH})
    ::sigaddset(&signals, signal);
  BlockSignals(signals);
  return SignalFd(signals);
}

class Top {
 public:
  Top(const CtlOptions& options, OwnedFd signals, std::unique_ptr<TopScreen> screen)
      : signals_(std::move(signals)), screen_(std::move(screen)), watch_(options) {
    controls_.interval = options.interval;
  }

  absl::Status Run() {
    for (bool redraw = true, goes_on = true; goes_on;) {
      redraw |= watch_.Step(controls_, MonotonicNow());
      if (redraw) Draw();
      redraw = false;
      absl::StatusOr<bool> terminal_is_there = Wait();
      if (!terminal_is_there.ok()) return terminal_is_there.status();
      goes_on = *terminal_is_there && TakeSignals(&redraw) && TakeKeys(&redraw);
    }
    return absl::OkStatus();
  }

 private:
  void Draw() {
    const TopDrawing drawing = DrawTop(watch_.picture(), controls_, screen_->window());
    controls_.scroll = drawing.scroll;
    page_lines_ = drawing.page_lines;
    screen_->Draw(drawing);
  }

  // False: the terminal is gone.
  absl::StatusOr<bool> Wait() {
    std::vector<pollfd> entries = watch_.Interest();
    entries.push_back({signals_.get(), POLLIN, 0});
    entries.push_back({STDIN_FILENO, POLLIN, 0});
    const Instant now = MonotonicNow();
    const absl::StatusOr<int> ready =
        Poll(absl::MakeSpan(entries), SleepMs(now, watch_.Wake(controls_, now)));
    if (!ready.ok()) return ready.status();
    return (entries.back().revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
  }

  // Both: false = the operator wants to end.
  bool TakeSignals(bool* redraw) {
    SignalInfo signal;
    while (TakeSignal(signals_.get(), &signal)) {
      if (signal.signal != SIGWINCH) return false;
      screen_->TakeNewSize();
      *redraw = true;
    }
    return true;
  }

  bool TakeKeys(bool* redraw) {
    while (const TopKey key = screen_->TakeKey()) {
      switch (ApplyKey(key, page_lines_, &controls_)) {
        case TopAction::kQuit:
          return false;
        case TopAction::kAsk:
          watch_.AskNow();
          [[fallthrough]];
        case TopAction::kRedraw:
          *redraw = true;
          break;
        case TopAction::kNothing:
          break;
      }
    }
    return true;
  }

  const OwnedFd signals_;
  const std::unique_ptr<TopScreen> screen_;
  TopWatch watch_;
  TopControls controls_;
  size_t page_lines_ = 1;
};

}  // namespace

absl::Status RunTop(const CtlOptions& options) {
  if (::isatty(STDOUT_FILENO) != 1 || ::isatty(STDIN_FILENO) != 1) {
    return absl::FailedPreconditionError(
        "top draws on a terminal, and this is none: use windlassctl status");
  }
  absl::StatusOr<OwnedFd> signals = TakeSignals();
  if (!signals.ok()) return signals.status();
  absl::StatusOr<std::unique_ptr<TopScreen>> screen = TopScreen::Open(UseColours(options.colour));
  if (!screen.ok()) return screen.status();
  return Top(options, *std::move(signals), *std::move(screen)).Run();
}

}  // namespace windlass
