#ifndef WINDLASS_COMMON_LOG_FILE_H_
#define WINDLASS_COMMON_LOG_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "windlass/owned_fd.h"

namespace windlass {

// The log file at `path`, for SetLogFd (common/log.h): every write appends, so that many processes
// may hold it. Made with mode 0640 when it is not there; its directory must be. May also be a FIFO
// that somebody reads, or a terminal: neither is waited for. Close-on-exec. Called by the master,
// which may still have the right to; other processes get copies of the descriptor. Errors: "`what`
// PATH: Permission denied" and kin. Blocking: as long as the file system takes.
absl::StatusOr<OwnedFd> OpenLogFile(const std::string& path, absl::string_view what = "log file");

}  // namespace windlass

#endif  // WINDLASS_COMMON_LOG_FILE_H_
