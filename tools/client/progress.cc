#include "tools/client/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace windlass {
namespace {

constexpr uint64_t kBigBytes = 1 << 20;  // less is over before anybody has read the bar
constexpr absl::Duration kRedraw = absl::Milliseconds(100);
constexpr size_t kCells = 40;

}  // namespace

std::string ProgressLine(absl::string_view what, uint64_t done, uint64_t total) {
  const double part =
      total == 0 ? 1.0 : static_cast<double>(std::min(done, total)) / static_cast<double>(total);
  const size_t cells = static_cast<size_t>(part * static_cast<double>(kCells));
  return absl::StrCat(what, " [", std::string(cells, '#'), std::string(kCells - cells, ' '), "]",
                      absl::StrFormat(" %3d %% of %.1f MiB", static_cast<int>(part * 100),
                                      static_cast<double>(total) / (1 << 20)));
}

ProgressBar::ProgressBar(absl::string_view what, uint64_t total)
    : what_(what), total_(total), on_(total >= kBigBytes && ::isatty(STDERR_FILENO) == 1) {}

void ProgressBar::Show(uint64_t done) {
  if (!on_) return;
  if (done >= total_) return Erase();
  const Instant now = MonotonicNow();
  if (now < next_) return;
  next_ = now + kRedraw;
  visible_ = true;
  std::fprintf(stderr, "\r%s", ProgressLine(what_, done, total_).c_str());
  std::fflush(stderr);
}

void ProgressBar::Erase() {
  if (!visible_) return;
  visible_ = false;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

}  // namespace windlass
