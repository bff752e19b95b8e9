#ifndef WINDLASS_TOOLS_CTL_TOP_MODEL_H_
#define WINDLASS_TOOLS_CTL_TOP_MODEL_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "proto/ctl.pb.h"

// What `windlassctl top` shows, computed from two reports. Pure. A report is another process's
// word: whatever is in it, there is a result.

namespace windlass {

// A look at the server.
struct TopSample {
  Instant at;  // when the report came
  proto::StatusReport report;
};

struct TopProcess {
  std::string role;
  uint32_t slot = 0;
  int32_t pid = 0;  // 0: there is none now
  uint32_t generation = 0;
  std::string state;
  absl::Duration age;
  std::optional<uint64_t> load;  // workers: connections; pool processes: jobs done
  std::optional<double> rate;    // workers: requests a second; pool processes: jobs
  std::optional<double> cpu;     // percent of one CPU
  uint64_t rss_bytes = 0;
  uint64_t job = 0;     // that it runs; 0: none
  absl::Duration ran;   // for how long
  std::string handler;  // of the job; "" = the server does not say

  std::string name() const;  // "worker-0"
};

// What happened between two samples. nullopt: it cannot be told, because there is no sample before,
// it was another server's, or a counter went back.
struct TopRates {
  std::optional<double> requests, jobs, errors, accepted;  // a second
  std::optional<double> bytes_in, bytes_out;
  std::optional<uint64_t> deaths;        // how many
  proto::Histogram latency, queue_wait;  // empty: nothing to tell
};

struct TopModel {
  TopRates rates;
  std::vector<TopProcess> processes;  // as the report has them
  std::vector<TopProcess> running;    // those that run a job, the longest first
};

// `earlier` may be null.
TopModel CompareSamples(const TopSample* earlier, const TopSample& later);

enum class TopColumn : uint8_t {
  kProcess,
  kPid,
  kGeneration,
  kState,
  kAge,
  kLoad,
  kRate,
  kCpu,
  kRss,
  kRan,
  kHandler,
};
constexpr size_t kTopColumnCount = 11;
enum class TopFilter : uint8_t { kAll, kWorkers, kPool };

struct TopOrder {
  TopColumn column = TopColumn::kProcess;
  bool descending = false;
  TopFilter filter = TopFilter::kAll;
};

// Those that the filter lets through, in order. What has no value in the column comes last in both
// directions; equal ones are in the order of their roles and slots.
std::vector<TopProcess> Arrange(const std::vector<TopProcess>& processes, const TopOrder& order);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_TOP_MODEL_H_
