#ifndef WINDLASS_TOOLS_CTL_PERCENTILE_H_
#define WINDLASS_TOOLS_CTL_PERCENTILE_H_

#include <optional>
#include <string>

#include "proto/ctl.pb.h"

// What histograms of durations say to a person. Pure. A histogram is another process's word: one
// whose parts do not belong together counts as absent.

namespace windlass {

// What was counted between two reports of one server. nullopt: one of them has none, their buckets
// differ, or a count went back.
std::optional<proto::Histogram> CountedBetween(const proto::Histogram& earlier,
                                               const proto::Histogram& later);

struct Percentile {
  double us = 0;          // within its bucket by a straight line
  bool at_least = false;  // it is beyond the last bound, which is `us`
};

// The duration that `share` of them (0.99) do not exceed; nullopt: nothing was counted.
std::optional<Percentile> PercentileOf(const proto::Histogram& histogram, double share);

// Three digits: "0us", "850us", "1.23ms", "45.6ms", "7.89s", "2m05s", ">60.0s"; "-": there is none.
std::string PercentileText(const std::optional<Percentile>& percentile);

// "p50 850us  p90 1.23ms  p99 4.56ms  p99.9 45.6ms"
std::string PercentilesText(const proto::Histogram& histogram);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_PERCENTILE_H_
