#ifndef WINDLASS_COMMON_LOG_LIMIT_H_
#define WINDLASS_COMMON_LOG_LIMIT_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"

namespace windlass {

// Role: keeps a line that a client can cause from filling the log: a few at once, then one a
// second, which says how many were swallowed. One object for each kind of line. Blocking: never.
//
//   if (limit_.Allow(now)) LOG(WARNING) << "out of descriptors" << limit_.Swallowed();
class LogLimit {
 public:
  bool Allow(Instant now) {
    if (now >= refilled_ + absl::Seconds(1)) {
      if (tokens_ < kBurst) ++tokens_;
      refilled_ = now;
    }
    if (tokens_ == 0) {
      ++swallowed_;
      return false;
    }
    --tokens_;
    return true;
  }
  // "", or " (and 12 more like it)"; counts from zero again.
  std::string Swallowed() {
    const uint64_t swallowed = std::exchange(swallowed_, 0);
    return swallowed == 0 ? "" : absl::StrCat(" (and ", swallowed, " more like it)");
  }

 private:
  static constexpr int kBurst = 5;
  int tokens_ = kBurst;
  Instant refilled_;
  uint64_t swallowed_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_LOG_LIMIT_H_
