#ifndef WINDLASS_MASTER_ACCESS_LOG_FILES_H_
#define WINDLASS_MASTER_ACCESS_LOG_FILES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/config.h"
#include "common/process_setup.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: the access logs of one configuration, each open once however many listeners name it. The
// master, which may still have the right to open them; workers get copies of the descriptors.
// Blocking: as common/log_file.h. Errors: "access log PATH: Permission denied" and kin.
class AccessLogFiles {
 public:
  AccessLogFiles() = default;
  static absl::StatusOr<AccessLogFiles> Open(const Config& config);
  // All of them anew, or, after an error, none.
  absl::Status Reopen();
  // Borrowed.
  std::vector<AccessLogFile> files() const;
  bool empty() const { return files_.empty(); }

 private:
  std::vector<std::pair<std::string, OwnedFd>> files_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_ACCESS_LOG_FILES_H_
