#ifndef WINDLASS_MASTER_DEATHS_REPORT_H_
#define WINDLASS_MASTER_DEATHS_REPORT_H_

#include "master/death_log.h"
#include "proto/ctl.pb.h"

namespace windlass {

// What `windlassctl deaths` shows: all that the log keeps, by time.
proto::DeathsReport::Death DeathEntry(const Death& death);
proto::DeathsReport::Slow SlowEntry(const SlowJob& slow);
proto::DeathsReport MakeDeathsReport(const DeathLog& deaths);

}  // namespace windlass

#endif  // WINDLASS_MASTER_DEATHS_REPORT_H_
