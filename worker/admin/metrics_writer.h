#ifndef WINDLASS_WORKER_ADMIN_METRICS_WRITER_H_
#define WINDLASS_WORKER_ADMIN_METRICS_WRITER_H_

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/latency_histogram.h"

namespace windlass {

enum class MetricsFormat : uint8_t {
  kPrometheus,   // text/plain; version=0.0.4
  kOpenMetrics,  // application/openmetrics-text; version=1.0.0
};

// Role: writes metrics down in the words of either format: families one after the other, and the
// samples of each below its head. Any process. Whatever bytes a label's value has, what is written
// is what a scraper can read. Blocking: never.
class MetricsWriter {
 public:
  struct Label {
    absl::string_view name, value;
  };
  using Labels = std::initializer_list<Label>;

  MetricsWriter(MetricsFormat format, std::string* out) : format_(format), out_(out) {}

  // Heads. The names are static, those of counters end with _total.
  void Gauge(absl::string_view name, absl::string_view help) { Head(name, "gauge", help); }
  void Counter(absl::string_view name, absl::string_view help) { Head(name, "counter", help); }
  void Histogram(absl::string_view name, absl::string_view help) { Head(name, "histogram", help); }

  // Samples of the family whose head was written last.
  void Sample(Labels labels, uint64_t value);
  void Sample(Labels labels, absl::Duration seconds);
  // Not each bucket, but one an octave.
  void Sample(Labels labels, const LatencyCounts& counts);
  // After all of it, nothing else.
  void End();

 private:
  void Head(absl::string_view name, absl::string_view type, absl::string_view help);
  // `bound`: "" = none.
  void Line(absl::string_view suffix, Labels labels, absl::string_view bound,
            absl::string_view value);

  const MetricsFormat format_;
  std::string* const out_;
  absl::string_view name_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_METRICS_WRITER_H_
