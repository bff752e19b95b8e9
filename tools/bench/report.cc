#include "tools/bench/report.h"

#include <unistd.h>

#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/json_text.h"

namespace windlass {
namespace {

constexpr absl::Duration kRedraw = absl::Milliseconds(500);

struct NamedPercentile {
  absl::string_view key, title;
  double percent;
};
constexpr std::array<NamedPercentile, 4> kPercentiles = {
    {{"p50", "p50", 50}, {"p90", "p90", 90}, {"p99", "p99", 99}, {"p999", "p99.9", 99.9}}};

double Microseconds(int64_t ns) { return static_cast<double>(ns) / 1000; }

double RightPerSecond(const Tally& tally) {
  return tally.seconds > 0 ? static_cast<double>(tally.right) / tally.seconds : 0;
}

// "NAME: N" or "NAME N" for each kind that happened.
std::vector<std::string> ErrorsByKind(const Tally& tally, absl::string_view format) {
  std::vector<std::string> all;
  for (size_t kind = 0; kind < kErrorKinds; ++kind) {
    if (tally.errors[kind] == 0) continue;
    const absl::string_view name = ErrorKindName(static_cast<ErrorKind>(kind));
    all.push_back(format == "json" ? absl::StrCat("\"", name, "\": ", tally.errors[kind])
                                   : absl::StrCat(name, " ", tally.errors[kind]));
  }
  return all;
}

// "87.3 us", "12.4 ms", "3.00 s"
std::string ReadableTime(int64_t ns) {
  const double value = static_cast<double>(ns);
  if (ns < 1'000'000) return absl::StrFormat("%.1f us", value / 1e3);
  if (ns < 1'000'000'000) return absl::StrFormat("%.2f ms", value / 1e6);
  return absl::StrFormat("%.2f s", value / 1e9);
}

}  // namespace

std::string JsonReport(const BenchOptions& options, const Tally& tally) {
  std::string out = R"({"target": )";
  AppendJsonString(options.target, &out);
  absl::StrAppend(&out, ", \"connections\": ", options.connections,
                  ", \"pipeline\": ", options.pipeline, ", \"requests\": ", tally.issued,
                  ", \"errors\": ", tally.AllErrors(), ", \"mismatched\": ", tally.mismatched,
                  absl::StrFormat(", \"seconds\": %.6f, \"rps\": %.1f, \"latency_us\": {",
                                  tally.seconds, RightPerSecond(tally)));
  for (const NamedPercentile& one : kPercentiles) {
    const double us = Microseconds(tally.latency.Percentile(one.percent));
    absl::StrAppend(&out, "\"", one.key, "\": ", absl::StrFormat("%.3f", us), ", ");
  }
  absl::StrAppend(&out, "\"max\": ", absl::StrFormat("%.3f", Microseconds(tally.latency.Max())),
                  "}, \"errors_by_kind\": {", absl::StrJoin(ErrorsByKind(tally, "json"), ", "),
                  "}}\n");
  return out;
}

std::string TextReport(const BenchOptions& options, const Tally& tally) {
  const std::string loop =
      options.open_loop() ? absl::StrFormat("open loop, %g/s", options.rate) : "closed loop";
  std::string out = absl::StrCat(options.target, ", ", options.connections, " connections, up to ",
                                 options.pipeline, " open requests each, ", loop, "\n");
  absl::StrAppendFormat(&out, "requests    %d in %.3f s, %d answered right, %.1f/s\n", tally.issued,
                        tally.seconds, tally.right, RightPerSecond(tally));
  absl::StrAppend(&out, "latency     ");
  for (const NamedPercentile& one : kPercentiles) {
    absl::StrAppend(&out, one.title, " ", ReadableTime(tally.latency.Percentile(one.percent)),
                    "  ");
  }
  absl::StrAppend(&out, "max ", ReadableTime(tally.latency.Max()), "\nerrors      ",
                  tally.AllErrors());
  const std::vector<std::string> kinds = ErrorsByKind(tally, "text");
  if (!kinds.empty()) absl::StrAppend(&out, " (", absl::StrJoin(kinds, ", "), ")");
  absl::StrAppend(&out, "\nmismatched  ", tally.mismatched, "\n");
  return out;
}

BenchProgress::BenchProgress() : on_(::isatty(STDERR_FILENO) == 1) {}

void BenchProgress::Show(const Tally& tally, absl::Duration since_start) {
  if (!on_ || since_start - last_ < kRedraw) return;
  const double rate =
      static_cast<double>(tally.right - last_right_) / absl::ToDoubleSeconds(since_start - last_);
  last_ = since_start;
  last_right_ = tally.right;
  visible_ = true;
  std::fprintf(stderr, "\r\x1b[K%.1f s  %.0f/s  p99 %s  errors %llu  mismatched %llu",
               absl::ToDoubleSeconds(since_start), rate,
               ReadableTime(tally.latency.Percentile(99)).c_str(),
               static_cast<unsigned long long>(tally.AllErrors()),
               static_cast<unsigned long long>(tally.mismatched));
  std::fflush(stderr);
}

void BenchProgress::Erase() {
  if (!visible_) return;
  visible_ = false;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

}  // namespace windlass
