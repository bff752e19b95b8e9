#include "worker/admin/metrics_writer.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/report/printable_text.h"

namespace windlass {
namespace {

void AppendLabel(const MetricsWriter::Label& label, std::string* out) {
  absl::StrAppend(out, label.name, "=\"");
  for (const char character : PrintableLine(label.value)) {
    if (character == '\\' || character == '"') out->push_back('\\');
    out->push_back(character);
  }
  out->push_back('"');
}

std::string Seconds(uint64_t ns) {
  return absl::StrFormat("%d.%09d", ns / 1'000'000'000, ns % 1'000'000'000);
}

}  // namespace

void MetricsWriter::Head(absl::string_view name, absl::string_view type, absl::string_view help) {
  name_ = name;
  if (format_ == MetricsFormat::kOpenMetrics) name = absl::StripSuffix(name, "_total");
  absl::StrAppend(out_, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
}

void MetricsWriter::Line(absl::string_view suffix, Labels labels, absl::string_view bound,
                         absl::string_view value) {
  absl::StrAppend(out_, name_, suffix);
  char separator = '{';
  for (const Label& label : labels) {
    out_->push_back(separator);
    AppendLabel(label, out_);
    separator = ',';
  }
  if (!bound.empty()) {
    out_->push_back(separator);
    AppendLabel({"le", bound}, out_);
    separator = ',';
  }
  if (separator == ',') out_->push_back('}');
  absl::StrAppend(out_, " ", value, "\n");
}

void MetricsWriter::Sample(Labels labels, uint64_t value) {
  Line("", labels, "", absl::StrCat(value));
}

void MetricsWriter::Sample(Labels labels, absl::Duration seconds) {
  Line("", labels, "", Seconds(static_cast<uint64_t>(absl::ToInt64Nanoseconds(seconds))));
}

void MetricsWriter::Sample(Labels labels, const LatencyCounts& counts) {
  uint64_t sum = 0;
  for (size_t bucket = 0; bucket + 1 < kLatencyBuckets; ++bucket) {
    sum += counts.counts[bucket];
    if (bucket % kLatencySubBuckets != 0) continue;
    const double bound = static_cast<double>(LatencyUpperUs(bucket)) / 1e6;
    Line("_bucket", labels, absl::StrFormat("%.9g", bound), absl::StrCat(sum));
  }
  sum += counts.counts.back();
  Line("_bucket", labels, "+Inf", absl::StrCat(sum));
  Line("_sum", labels, "", Seconds(counts.sum_ns));
  Line("_count", labels, "", absl::StrCat(sum));
}

void MetricsWriter::End() {
  if (format_ == MetricsFormat::kOpenMetrics) absl::StrAppend(out_, "# EOF\n");
}

}  // namespace windlass
