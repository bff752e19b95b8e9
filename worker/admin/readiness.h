#ifndef WINDLASS_WORKER_ADMIN_READINESS_H_
#define WINDLASS_WORKER_ADMIN_READINESS_H_

#include <string>

#include "proto/ctl.pb.h"

namespace windlass {

// Whether new clients should come to this server, and else why not, in a line.
struct Readiness {
  bool is_ready = false;
  std::string why;
};

// Pure. Ready: it is neither starting nor stopping, and of the generation that serves at least one
// worker and one pool process are ready.
Readiness ReadinessOf(const proto::StatusReport& report);

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_READINESS_H_
