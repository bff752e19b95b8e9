#include "master/operator.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/pools.h"
#include "master/deaths_report.h"
#include "master/quarantine_report.h"
#include "master/status_report.h"
#include "master/survey_report.h"

namespace windlass {
namespace {

// What the request would change, as audit lines call it; "": nothing.
absl::string_view ActionOf(const proto::CtlRequest& request) {
  switch (request.what_case()) {
    case proto::CtlRequest::kReload:
      return request.reload().check_only() ? "" : "reload";
    case proto::CtlRequest::kScale:
      return "scale";
    case proto::CtlRequest::kUpgrade:
      return "upgrade";
    case proto::CtlRequest::kDrain:
      return "drain";
    case proto::CtlRequest::kStop:
      return "stop";
    case proto::CtlRequest::kReopenLogs:
      return "reopen-logs";
    case proto::CtlRequest::kKillJob:
      return "kill-job";
    case proto::CtlRequest::kLogLevel:
      return "log-level";
    case proto::CtlRequest::kClearQuarantine:
      return "quarantine clear";
    case proto::CtlRequest::kStatus:
    case proto::CtlRequest::kConnections:
    case proto::CtlRequest::kJobs:
    case proto::CtlRequest::kDeaths:
    case proto::CtlRequest::kVersion:
    case proto::CtlRequest::kQuarantine:
    case proto::CtlRequest::WHAT_NOT_SET:
      return "";
  }
  return "";
}

}  // namespace

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
  if (const absl::string_view action = ActionOf(request); !action.empty()) {
    return Obey(request, {std::string(action), Asker::OfPeer(server_->PeerOf(client)), client});
  }
  switch (request.what_case()) {
    case proto::CtlRequest::kStatus: {
      proto::CtlReply reply;
      *reply.mutable_status() = MakeStatusReport(*service_, services_);
      return Send(client, reply);
    }
    case proto::CtlRequest::kReload:
      return CheckConfig(client);
    case proto::CtlRequest::kConnections:
      return Survey(proto::Command::Survey::CONNECTIONS, client);
    case proto::CtlRequest::kJobs:
      return Survey(proto::Command::Survey::JOBS, client);
    case proto::CtlRequest::kDeaths:
      return SendDeaths(client);
    case proto::CtlRequest::kVersion:
      return SendVersion(client);
    case proto::CtlRequest::kQuarantine:
      return SendQuarantine(client);
    default:
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

void Operator::Obey(const proto::CtlRequest& request, Errand errand) {
  switch (request.what_case()) {
    case proto::CtlRequest::kReload:
      return Reload(errand);
    case proto::CtlRequest::kScale:
      return Scale(request.scale(), errand);
    case proto::CtlRequest::kUpgrade:
      return master_->Upgrade(errand);
    case proto::CtlRequest::kDrain:
      BeginStop("stopping when all that is in flight is answered", errand);
      return master_->Drain();
    case proto::CtlRequest::kStop:
      BeginStop("stopping fast", errand);
      return master_->StopFast();
    case proto::CtlRequest::kReopenLogs:
      return ReopenLogs(errand);
    case proto::CtlRequest::kKillJob:
      return KillJob(request.kill_job().id(), errand);
    case proto::CtlRequest::kLogLevel:
      return SetLevel(request.log_level().level(), errand);
    case proto::CtlRequest::kClearQuarantine:
      return ClearQuarantine(request.clear_quarantine().id(), errand);
    default:
      return;  // not one of ActionOf
  }
}

void Operator::End(const Errand& errand, AuditResult result, absl::string_view detail) {
  Audit(errand.action, errand.asker, result, detail, services_.timers->now());
  Answer(errand.client, result == AuditResult::kOk, detail);
}

// Whoever asked is answered when the server has stopped.
void Operator::BeginStop(absl::string_view what, const Errand& errand) {
  Audit(errand.action, errand.asker, AuditResult::kOk, what, services_.timers->now());
  proto::CtlReply reply;
  reply.mutable_progress()->set_line(what.data(), what.size());
  Send(errand.client, reply);
  stop_waiters_.push_back(errand.client);
}

void Operator::OnStopped() {
  for (const ControlClientId client : stop_waiters_) Answer(client, true, "stopped");
}

void Operator::OnClientGone(ControlClientId client) {
  for (Waiter& waiter : reload_waiters_) {
    if (waiter.errand.client == client) waiter.errand.client = {};
  }
}

void Operator::CheckConfig(ControlClientId client) {
  const absl::Status checked = service_->CheckConfig();
  Answer(client, checked.ok(), checked.ok() ? "the configuration is valid" : checked.message());
}

void Operator::Reload(const Errand& errand, absl::string_view if_it_fails) {
  if (service_->state() != Service::State::kServing) {
    return End(errand, AuditResult::kRefused, "the server is not serving");
  }
  const uint64_t number = service_->Reload();
  if (reload_waiters_.size() < kMostWaiters) {
    reload_waiters_.push_back({errand, number, std::string(if_it_fails)});
  } else {
    End(errand, AuditResult::kOk, absl::StrCat("with many others, as reload ", number));
  }
}

void Operator::OnReloadProgress(uint64_t reload, const std::string& line) {
  proto::CtlReply reply;
  reply.mutable_progress()->set_line(line);
  for (const Waiter& waiter : reload_waiters_) {
    if (waiter.reload == reload) Send(waiter.errand.client, reply);
  }
}

void Operator::OnReloadEnded(uint64_t reload, const ReloadResult& result) {
  std::vector<Waiter> waiters = std::move(reload_waiters_);
  reload_waiters_.clear();
  for (Waiter& waiter : waiters) {
    if (waiter.reload > reload) {
      reload_waiters_.push_back(std::move(waiter));
    } else {
      End(waiter.errand, result.ok ? AuditResult::kOk : AuditResult::kFailed,
          absl::StrCat(result.ok ? "" : waiter.if_it_fails, result.message));
    }
  }
}

void Operator::Scale(const proto::CtlRequest::Scale& request, const Errand& errand) {
  const Supervisor& current = service_->current();
  const Config& config = current.generation().config();
  const auto from = [](int now, const proto::CtlRequest::Count& count) {
    return count.relative() ? now + count.value() : count.value();
  };
  SizingOverride wanted;
  if (request.has_workers()) wanted.workers = from(current.wanted_workers(), request.workers());
  if (request.has_pool()) {
    wanted.pools[kDefaultPool] = from(current.wanted_pool(0), request.pool());
  }
  for (const proto::CtlRequest::PoolCount& pool : request.named_pools()) {
    const uint32_t index = PoolNamed(config, pool.name());
    const int now = index < config.pools.size() ? current.wanted_pool(index) : 0;
    wanted.pools[pool.name()] = from(now, pool.count());
  }
  const absl::Status resized = service_->Resize(wanted, request.keep());
  if (!resized.ok()) return End(errand, AuditResult::kRefused, resized.message());
  std::string sizes = absl::StrCat(current.wanted_workers(), " workers, ");
  for (uint32_t pool = 0; pool < config.pools.size(); ++pool) {
    absl::StrAppend(&sizes, current.wanted_pool(pool), " pool processes",
                    OfPool(config.pools[pool]),
                    config.pools[pool].max > 0 ? " (it follows the load)" : "", ", ");
  }
  End(errand, AuditResult::kOk,
      absl::StrCat(sizes, request.keep() ? "also after reloads" : "until the next reload"));
}

void Operator::Step(int workers, const Errand& errand) {
  proto::CtlRequest::Scale request;
  request.mutable_workers()->set_relative(true);
  request.mutable_workers()->set_value(workers);
  Scale(request, errand);
}

void Operator::SetLevel(const std::string& level, const Errand& errand) {
  LogLevel least = LogLevel::INFO;
  if (!ParseLogLevel(level, &least)) {
    return End(errand, AuditResult::kRefused, "unknown log level");
  }
  settings_->log_level = least;
  SetLogLevel(least);
  proto::Command command;
  command.mutable_log_level()->set_level(level);
  for (Supervisor* supervisor : service_->supervisors()) {
    for (const auto& child : supervisor->children()) supervisor->Tell(*child, command);
  }
  End(errand, AuditResult::kOk,
      absl::StrCat("log level is ", level, ", until the server is started again"));
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

void Operator::ClearQuarantine(const std::string& which, const Errand& errand) {
  const size_t cleared = services_.quarantine->Clear(which);
  if (cleared == 0 && which != "all") {
    return End(errand, AuditResult::kRefused, "no such payload is in quarantine");
  }
  End(errand, AuditResult::kOk,
      absl::StrCat(cleared, " payload", cleared == 1 ? "" : "s", " let out of quarantine",
                   which == "all" ? "" : ": ", which == "all" ? "" : which));
}

void Operator::KillJob(uint64_t job, const Errand& errand) {
  for (Supervisor* supervisor : service_->supervisors()) {
    if (supervisor->KillRunning(job, "its job was killed by an operator")) {
      return End(errand, AuditResult::kOk,
                 absl::StrCat("job ", job, ": the process that ran it is killed and replaced"));
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
      RoundCall& call = NewCall(errand.client);
      call.Expect(*supervisor, *child);
      call.set_about(job);
      call.reply().mutable_done()->set_message("its worker does not answer");
      kills_[call.number()] = errand;
      if (!supervisor->Tell(*child, command)) Finish(calls_.find(call.number()));
      return;
    }
  }
  End(errand, AuditResult::kRefused, "no such job runs or waits");
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
    const Generation& generation = supervisor.generation();
    const SurveyedWorker worker = {generation.config(), supervisor.bound(), generation.number(),
                                   supervisor.NumberOf(child), child.pid};
    const Instant now = services_.timers->now();
    if (reply.has_connections()) {
      AddConnections(worker, surveyed, now, reply.mutable_connections());
    }
    if (reply.has_jobs()) AddJobs(worker, surveyed, now, reply.mutable_jobs());
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
  if (const auto kill = kills_.extract(done->number()); !kill.empty()) {
    return End(kill.mapped(), reply.done().ok() ? AuditResult::kOk : AuditResult::kFailed,
               absl::StrCat("job ", done->about(), ": ", reply.done().message()));
  }
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
