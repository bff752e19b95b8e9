// The part of master/operator.h that opens logs again.
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/log_file.h"
#include "master/operator.h"

namespace windlass {
namespace {

// A child answers the last of what it is told, which has the call's number.
void TellOfLogs(Supervisor* supervisor, Child& child, bool has_log_file, RoundCall* call) {
  bool asked = false;
  const std::vector<AccessLogFile> logs = supervisor->generation().access_logs().files();
  for (size_t i = 0; child.is_worker() && i < logs.size(); ++i) {
    const bool is_last = !has_log_file && i + 1 == logs.size();
    proto::Command command;
    command.mutable_access_log_to()->set_path(logs[i].path);
    command.mutable_access_log_to()->set_number(is_last ? call->number() : 0);
    asked = supervisor->Tell(child, command, absl::MakeConstSpan(&logs[i].fd, 1)) && is_last;
  }
  if (has_log_file) {
    const int log = LogFd();
    proto::Command command;
    command.mutable_log_to()->set_number(call->number());
    asked = supervisor->Tell(child, command, absl::MakeConstSpan(&log, 1));
  }
  if (asked) call->Expect(*supervisor, child);
}

}  // namespace

void Operator::ReopenLogs(const Errand& errand) {
  const auto failed = [&](const absl::Status& why) {
    End(errand, AuditResult::kFailed, absl::StrCat(why.message(), ": lines go on where they went"));
  };
  const std::string& path = service_->current().generation().config().log.file;
  OwnedFd file;
  if (!path.empty()) {
    absl::StatusOr<OwnedFd> opened = OpenLogFile(path);
    if (!opened.ok()) return failed(opened.status());
    file = *std::move(opened);
  }
  size_t access_logs = 0;
  for (Supervisor* supervisor : service_->supervisors()) {
    if (absl::Status opened = supervisor->ReopenAccessLogs(); !opened.ok()) return failed(opened);
    access_logs = std::max(access_logs, supervisor->generation().access_logs().files().size());
  }
  if (path.empty() && access_logs == 0) {
    return End(errand, AuditResult::kOk, "the log is standard error: nothing to open");
  }
  if (file.valid()) SetLogFd(std::move(file));
  RoundCall& call = NewCall(errand.client);
  for (Supervisor* supervisor : service_->supervisors()) {
    for (const auto& child : supervisor->children()) {
      TellOfLogs(supervisor, *child, !path.empty(), &call);
    }
  }
  std::string what = path.empty() ? "" : absl::StrCat("log file ", path);
  if (access_logs > 0) {
    absl::StrAppend(&what, path.empty() ? "" : " and ", access_logs, " access log",
                    access_logs == 1 ? "" : "s");
  }
  Audit(errand.action, errand.asker, AuditResult::kOk, absl::StrCat(what, " opened again"),
        services_.timers->now());
  if (call.complete()) Finish(calls_.find(call.number()));
}

}  // namespace windlass
