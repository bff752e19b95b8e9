#ifndef WINDLASS_MASTER_SURVEY_REPORT_H_
#define WINDLASS_MASTER_SURVEY_REPORT_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/types/span.h"
#include "common/clock.h"
#include "common/config.h"
#include "common/process_setup.h"
#include "proto/control.pb.h"
#include "proto/ctl.pb.h"

// What a worker lists of its own, as operators see it. The worker may be broken: it may say
// anything. Pure.

namespace windlass {

struct SurveyedWorker {
  const Config& config;
  absl::Span<const ListenSocket> bound;  // of its generation
  uint32_t generation = 0;
  uint32_t number = 0;  // in its name
  pid_t pid = 0;
};

// Milliseconds since a time that another process has written down, as CLOCK_MONOTONIC has it.
int64_t MsSince(uint64_t then_ns, Instant now);

void AddConnections(const SurveyedWorker& worker, const proto::Report::Surveyed& surveyed,
                    Instant now, proto::ConnectionsReport* into);
void AddJobs(const SurveyedWorker& worker, const proto::Report::Surveyed& surveyed, Instant now,
             proto::JobsReport* into);

}  // namespace windlass

#endif  // WINDLASS_MASTER_SURVEY_REPORT_H_
