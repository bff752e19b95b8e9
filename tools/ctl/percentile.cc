#include "tools/ctl/percentile.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/report/human_units.h"

namespace windlass {
namespace {

bool IsWhole(const proto::Histogram& histogram) {
  const auto& upper = histogram.upper_us();
  return histogram.counts_size() > 0 && upper.size() == histogram.counts_size() - 1 &&
         std::is_sorted(upper.begin(), upper.end());
}

std::string ThreeDigits(double value, absl::string_view unit) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return absl::StrFormat("%.*f%s", decimals, value, unit);
}

std::string DurationText(double us) {
  if (us < 999.5) return absl::StrFormat("%.0fus", us);
  if (us < 999.5e3) return ThreeDigits(us / 1e3, "ms");
  if (us < 119.5e6) return ThreeDigits(us / 1e6, "s");
  return HumanAge(absl::Microseconds(us));
}

}  // namespace

std::optional<proto::Histogram> CountedBetween(const proto::Histogram& earlier,
                                               const proto::Histogram& later) {
  const auto& before = earlier.upper_us();
  const auto& after = later.upper_us();
  if (!IsWhole(earlier) || !IsWhole(later) || before.size() != after.size() ||
      !std::equal(before.begin(), before.end(), after.begin())) {
    return std::nullopt;
  }
  proto::Histogram between = later;
  for (int i = 0; i < later.counts_size(); ++i) {
    if (later.counts(i) < earlier.counts(i)) return std::nullopt;
    between.set_counts(i, later.counts(i) - earlier.counts(i));
  }
  between.set_sum_us(later.sum_us() - std::min(earlier.sum_us(), later.sum_us()));
  return between;
}

std::optional<Percentile> PercentileOf(const proto::Histogram& histogram, double share) {
  if (!IsWhole(histogram)) return std::nullopt;
  double total = 0;  // no sum of counts is too large for it
  for (const uint64_t count : histogram.counts()) total += static_cast<double>(count);
  if (total == 0) return std::nullopt;
  double below = 0, lower_us = 0;
  for (int i = 0; i < histogram.upper_us_size(); ++i) {
    const double count = static_cast<double>(histogram.counts(i));
    const double upper_us = static_cast<double>(histogram.upper_us(i));
    if (count > 0 && below + count >= share * total) {
      const double within = (share * total - below) / count;
      return Percentile{lower_us + (upper_us - lower_us) * std::clamp(within, 0.0, 1.0)};
    }
    below += count;
    lower_us = upper_us;
  }
  return Percentile{lower_us, true};
}

std::string PercentileText(const std::optional<Percentile>& percentile) {
  if (!percentile.has_value()) return "-";
  return absl::StrCat(percentile->at_least ? ">" : "", DurationText(percentile->us));
}

std::string PercentilesText(const proto::Histogram& histogram) {
  struct Named {
    absl::string_view name;
    double share;
  };
  constexpr std::array<Named, 4> kShown = {
      {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};
  std::string text;
  for (const Named& one : kShown) {
    absl::StrAppend(&text, text.empty() ? "" : "  ", one.name, " ",
                    PercentileText(PercentileOf(histogram, one.share)));
  }
  return text;
}

}  // namespace windlass
