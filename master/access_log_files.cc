#include "master/access_log_files.h"

#include <algorithm>

#include "common/log_file.h"

namespace windlass {

absl::StatusOr<AccessLogFiles> AccessLogFiles::Open(const Config& config) {
  AccessLogFiles logs;
  for (const ListenerConfig& listener : config.listeners) {
    const std::string& path = listener.access_log;
    const bool is_open = std::any_of(logs.files_.begin(), logs.files_.end(),
                                     [&](const auto& file) { return file.first == path; });
    if (path.empty() || is_open) continue;
    logs.files_.emplace_back(path, OwnedFd());
  }
  if (absl::Status opened = logs.Reopen(); !opened.ok()) return opened;
  return logs;
}

absl::Status AccessLogFiles::Reopen() {
  std::vector<std::pair<std::string, OwnedFd>> opened;
  for (const auto& [path, before] : files_) {
    absl::StatusOr<OwnedFd> file = OpenLogFile(path, "access log");
    if (!file.ok()) return file.status();
    opened.emplace_back(path, *std::move(file));
  }
  files_ = std::move(opened);
  return absl::OkStatus();
}

std::vector<AccessLogFile> AccessLogFiles::files() const {
  std::vector<AccessLogFile> files;
  for (const auto& [path, fd] : files_) files.push_back({path, fd.get()});
  return files;
}

}  // namespace windlass
