#ifndef WINDLASS_MASTER_STATUS_REPORT_H_
#define WINDLASS_MASTER_STATUS_REPORT_H_

#include "master/service.h"
#include "proto/ctl.pb.h"

namespace windlass {

// What `windlassctl status` shows, from what the master knows and from the scoreboard: no other
// process is asked, so it answers when all others hang. Blocking: reads /proc.
proto::StatusReport MakeStatusReport(const Service& service, const SupervisorServices& services);

}  // namespace windlass

#endif  // WINDLASS_MASTER_STATUS_REPORT_H_
