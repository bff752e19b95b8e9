#ifndef WINDLASS_TOOLS_CTL_TOP_WATCH_H_
#define WINDLASS_TOOLS_CTL_TOP_WATCH_H_

#include <poll.h>

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "tools/ctl/ctl_options.h"
#include "tools/ctl/question.h"
#include "tools/ctl/top_input.h"
#include "tools/ctl/top_view.h"

namespace windlass {

// Role: what windlassctl top knows of the server, kept up to date by questions. Owns the sockets of
// the questions that are out: one for the status, one for the deaths.
// Blocking: never. Errors: in picture().trouble; the question is asked again a second later.
class TopWatch {
 public:
  explicit TopWatch(const CtlOptions& options) : options_(options) {}

  // Asks what is due, takes what has come. True: the picture has changed.
  bool Step(const TopControls& controls, Instant now);
  void AskNow() { forced_ = true; }  // at the next Step, also while paused
  // What to wait for before the next Step, which is due at Wake().
  std::vector<pollfd> Interest() const;
  Instant Wake(const TopControls& controls, Instant now) const;

  const TopPicture& picture() const { return picture_; }

 private:
  using Result = absl::StatusOr<proto::CtlReply>;

  void Ask(bool deaths, Instant now);
  Instant Due(const TopControls& controls) const;
  void Take(Result result, Instant now);
  void TakeDeaths(Result result);
  // Says how long the server has been silent. True: that is news.
  bool NoteSilence(Instant now);

  // Fixed after construction.
  const CtlOptions options_;
  // Working state.
  std::optional<Question> status_, deaths_;
  Instant asked_{0};     // last; far in the past: ask at once
  bool failed_ = false;  // the last one
  bool forced_ = false;  // by AskNow
  std::optional<TopSample> last_;
  TopPicture picture_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_TOP_WATCH_H_
