#ifndef WINDLASS_TOOLS_BENCH_REPORT_H_
#define WINDLASS_TOOLS_BENCH_REPORT_H_

#include <string>

#include "absl/time/time.h"
#include "common/clock.h"
#include "tools/bench/bench_options.h"
#include "tools/bench/tally.h"

namespace windlass {

// The result as one JSON object with a newline; the keys are described in --help. Pure.
std::string JsonReport(const BenchOptions& options, const Tally& tally);
// The same for people. Pure.
std::string TextReport(const BenchOptions& options, const Tally& tally);

// Role: one changing line on standard error during a run, if that is a terminal. Blocking: as long
// as the terminal takes.
class BenchProgress {
 public:
  BenchProgress();
  void Show(const Tally& tally, absl::Duration since_start);
  void Erase();

 private:
  const bool on_;
  bool visible_ = false;
  uint64_t last_right_ = 0;
  absl::Duration last_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_REPORT_H_
