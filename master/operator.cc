#include "master/operator.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/log_file.h"
#include "master/deaths_report.h"
#include "master/quarantine_report.h"
#include "master/status_report.h"

namespace windlass {

Operator::Operator(Service* service, const SupervisorServices& services, SpawnSettings* settings,
                   MasterCommands* master)
    : service_(service), services_(services), settings_(settings), master_(master) {}

void Operator::Send(ControlClientId client, const proto::CtlReply& reply) {
  if (server_ != nullptr && client != ControlClientId{}) server_->Send(client, reply);
}

void Operator::Answer(ControlClientId client, bool ok, absl::string_view message) {
  proto::CtlReply reply;
  reply.mutable_done()->set_ok(ok);
  reply.mutable_done()->set_message(message.data(), message.size());
  Send(client, reply);
}

void Operator::OnRequest(const proto::CtlRequest& request, ControlClientId client) {
  switch (request.what_case()) {
    case proto::CtlRequest::kStatus: {
      proto::CtlReply reply;
      *reply.mutable_status() = MakeStatusReport(*service_, services_);
      return Send(client, reply);
    }
    case proto::CtlRequest::kReload:
      return Reload(request.reload(), client);
    case proto::CtlRequest::kScale:
      return Scale(request.scale(), client);
    case proto::CtlRequest::kUpgrade:
      return master_->Upgrade(client);
    case proto::CtlRequest::kDrain:
      BeginStop("stopping when all that is in flight is answered", client);
      return master_->Drain();
    case proto::CtlRequest::kStop:
      BeginStop("stopping fast", client);
      return master_->StopFast();
    case proto::CtlRequest::kReopenLogs:
      return ReopenLogs(client);
    case proto::CtlRequest::kConnections:
      return Survey(proto::Command::Survey::CONNECTIONS, client);
    case proto::CtlRequest::kJobs:
      return Survey(proto::Command::Survey::JOBS, client);
    case proto::CtlRequest::kKillJob:
      return KillJob(request.kill_job().id(), client);
    case proto::CtlRequest::kDeaths:
      return SendDeaths(client);
    case proto::CtlRequest::kLogLevel:
      return SetLevel(request.log_level().level(), client);
    case proto::CtlRequest::kVersion:
      return SendVersion(client);
    case proto::CtlRequest::kQuarantine:
      return SendQuarantine(client);
    case proto::CtlRequest::kClearQuarantine:
      return ClearQuarantine(request.clear_quarantine().id(), client);
    case proto::CtlRequest::WHAT_NOT_SET:
      return Answer(client, false, "unknown request: windlassctl is newer than this server");
  }
}

void Operator::OnAsk(const proto::Report::Ask& ask, OwnedFd socket) {
  proto::CtlRequest request;
  switch (ask.what()) {
    case proto::Report::Ask::VERSION:
      request.mutable_version();
      break;
    case proto::Report::Ask::STATUS:
      request.mutable_status();
      break;
    case proto::Report::Ask::DEATHS:
      request.mutable_deaths();
      break;
    default:  // also one of a newer binary: the end of its socket says no
      return;
  }
  if (server_ == nullptr) return;
  const ControlClientId client = server_->AdoptClient(std::move(socket));
  if (client != ControlClientId{}) OnRequest(request, client);
}

void Operator::BeginStop(absl::string_view what, ControlClientId client) {
  LOG(INFO) << "windlassctl: " << what;
  proto::CtlReply reply;
  reply.mutable_progress()->set_line(what.data(), what.size());
  Send(client, reply);
  stop_waiters_.push_back(client);
}

void Operator::OnStopped() {
  for (const ControlClientId client : stop_waiters_) Answer(client, true, "stopped");
}

void Operator::OnClientGone(ControlClientId client) { reload_waiters_.erase(client); }

void Operator::Reload(const proto::CtlRequest::Reload& request, ControlClientId client) {
  if (request.check_only()) {
    const absl::Status checked = service_->CheckConfig();
    return Answer(client, checked.ok(),
                  checked.ok() ? "the configuration is valid" : checked.message());
  }
  if (service_->state() != Service::State::kServing) {
    return Answer(client, false, "the server is not serving");
  }
  ReloadFor(client);
}

void Operator::ReloadFor(ControlClientId client, absl::string_view if_it_fails) {
  const uint64_t number = service_->Reload();
  if (client != ControlClientId{}) reload_waiters_[client] = {number, std::string(if_it_fails)};
}

void Operator::OnReloadProgress(uint64_t reload, const std::string& line) {
  proto::CtlReply reply;
  reply.mutable_progress()->set_line(line);
  for (const auto& [client, waiter] : reload_waiters_) {
    if (waiter.reload == reload) Send(client, reply);
  }
}

void Operator::OnReloadEnded(uint64_t reload, const ReloadResult& result) {
  for (auto waiter = reload_waiters_.begin(); waiter != reload_waiters_.end();) {
    if (waiter->second.reload > reload) {
      ++waiter;
      continue;
    }
    const absl::string_view before = result.ok ? "" : waiter->second.if_it_fails;
    Answer(waiter->first, result.ok, absl::StrCat(before, result.message));
    waiter = reload_waiters_.erase(waiter);
  }
}

void Operator::Scale(const proto::CtlRequest::Scale& request, ControlClientId client) {
  const auto wanted = [&](bool is_set, const proto::CtlRequest::Count& count,
                          Role role) -> std::optional<int> {
    if (!is_set) return std::nullopt;
    return count.relative() ? service_->current().wanted(role) + count.value() : count.value();
  };
  const absl::Status resized =
      service_->Resize(wanted(request.has_workers(), request.workers(), Role::kWorker),
                       wanted(request.has_pool(), request.pool(), Role::kPool), request.keep());
  if (!resized.ok()) return Answer(client, false, resized.message());
  Answer(client, true,
         absl::StrCat(service_->current().wanted(Role::kWorker), " workers, ",
                      service_->current().wanted(Role::kPool), " pool processes",
                      request.keep() ? ", also after reloads" : ", until the next reload"));
}

void Operator::SetLevel(const std::string& level, ControlClientId client) {
  LogLevel least = LogLevel::INFO;
  if (!ParseLogLevel(level, &least)) return Answer(client, false, "unknown log level");
  settings_->log_level = least;
  SetLogLevel(least);
  proto::Command command;
  command.mutable_log_level()->set_level(level);
  for (Supervisor* supervisor : service_->supervisors()) {
    for (const auto& child : supervisor->children()) supervisor->Tell(*child, command);
  }
  LOG(NOTICE) << "log level is " << level << ", until the server is started again";
  Answer(client, true, absl::StrCat("log level is ", level));
}

void Operator::SendDeaths(ControlClientId client) {
  proto::CtlReply reply;
  *reply.mutable_deaths() = MakeDeathsReport(*services_.deaths);
  Send(client, reply);
}

void Operator::SendVersion(ControlClientId client) {
  proto::CtlReply reply;
  reply.mutable_version()->set_version(WINDLASS_VERSION);
  reply.mutable_version()->set_pid(::getpid());
  Send(client, reply);
}

void Operator::SendQuarantine(ControlClientId client) {
  proto::CtlReply reply;
  *reply.mutable_quarantine() =
      MakeQuarantineReport(*services_.quarantine, services_.timers->now());
  Send(client, reply);
}

void Operator::ClearQuarantine(const std::string& which, ControlClientId client) {
  const size_t cleared = services_.quarantine->Clear(which);
  if (cleared == 0 && which != "all") {
    return Answer(client, false, "no such payload is in quarantine");
  }
  const std::string done =
      absl::StrCat(cleared, " payload", cleared == 1 ? "" : "s", " let out of quarantine");
  LOG(NOTICE) << "windlassctl: " << done << (which == "all" ? "" : ": ")
              << (which == "all" ? "" : which);
  Answer(client, true, done);
}

void Operator::KillJob(uint64_t job, ControlClientId client) {
  for (Supervisor* supervisor : service_->supervisors()) {
    if (supervisor->KillRunning(job, "its job was killed by an operator")) {
      return Answer(client, true, "the process that ran it is killed and replaced");
    }
  }
  // It may wait in the worker that owns it.
  const JobId id = JobId::FromWord(job);
  for (Supervisor* supervisor : service_->supervisors()) {
    for (const auto& child : supervisor->children()) {
      if (!child->is_worker() || child->slot != id.slot()) continue;
      if (child->incarnation != id.incarnation()) continue;
      proto::Command command;
      command.mutable_drop_job()->set_id(job);
      RoundCall& call = NewCall(client);
      call.Expect(*supervisor, *child);
      call.set_about(job);
      call.reply().mutable_done()->set_message("its worker does not answer");
      if (!supervisor->Tell(*child, command)) Finish(calls_.find(call.number()));
      return;
    }
  }
  Answer(client, false, "no such job runs or waits");
}

void Operator::ReopenLogs(ControlClientId client) {
  const std::string& path = service_->current().generation().config().log.file;
  if (path.empty()) return Answer(client, true, "the log is standard error: nothing to open");
  absl::StatusOr<OwnedFd> file = OpenLogFile(path);
  if (!file.ok()) {
    LOG(ERROR) << file.status().message() << ": lines go on where they went";
    return Answer(client, false, file.status().message());
  }
  SetLogFd(*std::move(file));
  RoundCall& call = NewCall(client);
  const int log = LogFd();
  proto::Command command;
  command.mutable_log_to()->set_number(call.number());
  for (Supervisor* supervisor : service_->supervisors()) {
    for (const auto& child : supervisor->children()) {
      if (!supervisor->Tell(*child, command, absl::MakeConstSpan(&log, 1))) continue;
      call.Expect(*supervisor, *child);
    }
  }
  LOG(INFO) << "log file " << path << " opened again";
  if (call.complete()) Finish(calls_.find(call.number()));
}

void Operator::OnReport(const Supervisor& supervisor, const Child& child,
                        const proto::Report& report) {
  if (report.has_drop_result()) {
    for (auto call = calls_.begin(); call != calls_.end(); ++call) {
      if (!call->second->reply().has_done()) continue;
      if (call->second->about() != report.drop_result().id()) continue;
      if (!call->second->OnAnswered(supervisor, child.id)) continue;
      const bool found = report.drop_result().found();
      call->second->reply().mutable_done()->set_ok(found);
      call->second->reply().mutable_done()->set_message(found ? "it waited, and was dropped"
                                                              : "no such job runs or waits");
      return Finish(call);
    }
    return;
  }
  const bool is_log = report.has_log_taken();
  const auto call = calls_.find(is_log ? report.log_taken().number() : report.surveyed().number());
  if (call == calls_.end()) return;
  proto::CtlReply& reply = call->second->reply();
  if (!is_log) {
    const proto::Report::Surveyed& surveyed = report.surveyed();
    if (reply.has_connections()) {
      AddConnections(supervisor, child, surveyed, reply.mutable_connections());
    }
    if (reply.has_jobs()) AddJobs(supervisor, child, surveyed, reply.mutable_jobs());
    if (!surveyed.last()) return;
  }
  if (call->second->OnAnswered(supervisor, child.id) && call->second->complete()) Finish(call);
}

RoundCall& Operator::NewCall(ControlClientId client) {
  const uint32_t number = next_call_++;
  auto call = std::make_unique<RoundCall>(number, client, this);
  services_.timers->Arm(&call->timer(), services_.timers->now() + kPatience);
  return *calls_.emplace(number, std::move(call)).first->second;
}

void Operator::OnTimer(Timer* timer, Instant) {
  for (auto call = calls_.begin(); call != calls_.end(); ++call) {
    if (&call->second->timer() == timer) return Finish(call);
  }
}

// All have answered, or the silent ones will not be waited for.
void Operator::Finish(Calls::iterator call) {
  const std::unique_ptr<RoundCall> done = std::move(call->second);
  calls_.erase(call);
  proto::CtlReply& reply = done->reply();
  if (reply.has_connections()) {
    for (const RoundCall::Asked& silent : done->silent()) {
      reply.mutable_connections()->add_silent_workers(silent.number);
    }
  } else if (reply.has_jobs()) {
    for (const RoundCall::Asked& silent : done->silent()) {
      reply.mutable_jobs()->add_silent_workers(silent.number);
    }
    AddUnclaimedJobs(reply.mutable_jobs());
  } else if (!reply.has_done()) {
    const size_t taken = done->asked() - done->silent().size();
    reply.mutable_done()->set_ok(true);
    reply.mutable_done()->set_message(
        absl::StrCat(taken, " of ", done->asked(), " processes write to it",
                     done->complete() ? "" : "; those that run a job follow when it is done"));
  }
  Send(done->client(), reply);
}

}  // namespace windlass
