#ifndef WINDLASS_MASTER_QUARANTINE_REPORT_H_
#define WINDLASS_MASTER_QUARANTINE_REPORT_H_

#include "master/quarantine.h"
#include "proto/ctl.pb.h"

namespace windlass {

// What `windlassctl quarantine` shows. Pure.
proto::QuarantineReport MakeQuarantineReport(const Quarantine& quarantine, Instant now);

}  // namespace windlass

#endif  // WINDLASS_MASTER_QUARANTINE_REPORT_H_
