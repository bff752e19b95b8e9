#ifndef WINDLASS_TOOLS_CLIENT_PROGRESS_H_
#define WINDLASS_TOOLS_CLIENT_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "common/clock.h"

namespace windlass {

// "sent [#####     ]  50 % of 64.0 MiB". Pure.
std::string ProgressLine(absl::string_view what, uint64_t done, uint64_t total);

// Role: shows on standard error how far a big transfer is, if that is a terminal; else does
// nothing. The line is removed when the transfer is complete and by the destructor. Blocking: as
// long as the terminal takes.
class ProgressBar {
 public:
  ProgressBar(absl::string_view what, uint64_t total);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { Erase(); }

  void Show(uint64_t done);

 private:
  void Erase();

  const std::string what_;
  const uint64_t total_;
  const bool on_;
  bool visible_ = false;
  Instant next_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_PROGRESS_H_
