#include "master/master_loop.h"

#include <signal.h>
#include <string.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/config_keys.h"
#include "common/log.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr SelectorToken kSignalToken{uint64_t{9} << 56};

void PrintHint(const Generation& generation, const std::string& client) {
  for (const ListenSocket& socket : generation.listeners().sockets()) {
    if (generation.config().listeners[socket.listener].protocol != Protocol::kMessage) continue;
    std::cout << "try: " << client << " search " << socket.address << " morpheus" << std::endl;
    return;
  }
}

}  // namespace

MasterRequest RequestFor(int signal, int code, int int_signals) {
  switch (signal) {
    case SIGTERM:
      return MasterRequest::kDrain;
    case SIGINT:
      return int_signals == 0 ? MasterRequest::kStopFast : MasterRequest::kStopNow;
    case SIGQUIT:
      return MasterRequest::kStopNow;
    // From the kernel: the terminal is gone, and with it whoever watched. From a person: a wish to
    // reload.
    case SIGHUP:
      return code == SI_KERNEL ? MasterRequest::kDrain : MasterRequest::kReload;
    case SIGUSR1:
      return MasterRequest::kReopenLogs;
    case SIGUSR2:
      return MasterRequest::kUpgrade;
    case SIGTTIN:
      return MasterRequest::kOneWorkerMore;
    case SIGTTOU:
      return MasterRequest::kOneWorkerLess;
    case SIGCHLD:
      return MasterRequest::kReapChildren;
    default:
      return MasterRequest::kNone;
  }
}

sigset_t BlockMasterSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal :
       {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU}) {
    sigaddset(&signals, signal);
  }
  BlockSignals(signals);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

absl::StatusOr<std::unique_ptr<MasterLoop>> MasterLoop::Create(const sigset_t& signals) {
  absl::StatusOr<std::unique_ptr<Selector>> selector = Selector::Create(SelectorKind::kEpoll);
  if (!selector.ok()) return selector.status();
  absl::StatusOr<OwnedFd> signal_fd = SignalFd(signals);
  if (!signal_fd.ok()) return signal_fd.status();
  if (absl::Status watched = (*selector)->Register(signal_fd->get(), kReadable, kSignalToken);
      !watched.ok()) {
    return watched;
  }
  return std::unique_ptr<MasterLoop>(new MasterLoop(*std::move(selector), *std::move(signal_fd)));
}

MasterLoop::MasterLoop(std::unique_ptr<Selector> selector, OwnedFd signal_fd)
    : selector_(std::move(selector)), signal_fd_(std::move(signal_fd)), timers_(MonotonicNow()) {}

int MasterLoop::Run(const Parts& parts, const std::string& client) {
  parts_ = parts;
  Service* const service = service_ = parts.service;
  parts_.manager->Update(*service_);
  using State = Service::State;
  while (service->state() == State::kStarting && !stop_now_) Turn();
  if (service->state() == State::kServing && !client.empty()) {
    PrintHint(service->current().generation(), client);
  }
  while (service->state() == State::kServing && !stop_now_) {
    KeepPidFile();
    Turn();
  }
  while (service->state() == State::kStopping && !stop_now_) Turn();
  pid_file_.Remove();
  LogLimit::TellAllSwallowed();
  if (service->state() == State::kFailed) {
    LOG(ERROR) << "cannot start: " << service->why();
    return 1;
  }
  LOG(INFO) << (stop_now_ ? "stopped at once" : "stopped");
  parts.op->OnStopped();
  return 0;
}

// Written when there is somebody to signal; a reload may have moved it.
void MasterLoop::KeepPidFile() {
  const std::string& path = service_->current().generation().config().master.pid_file;
  if (path == pid_path_) return;
  pid_path_ = path;
  if (path.empty()) return pid_file_.Remove();
  absl::StatusOr<PidFile> written = PidFile::Write(path);
  if (!written.ok()) {
    LOG(ERROR) << written.status().message() << (pid_file_.path().empty() ? "" : "; it stays at ")
               << pid_file_.path();
    return;
  }
  pid_file_ = *std::move(written);
}

void MasterLoop::Turn() {
  const absl::StatusOr<absl::Span<const Ready>> ready =
      selector_->Select(timers_.SleepMs(MonotonicNow()));
  CHECK(ready.ok()) << ready.status().ToString();
  timers_.Advance(MonotonicNow());
  for (const Ready& event : *ready) {
    if (event.token == kSignalToken) {
      HandleSignals();
    } else if (event.token.value >> 56 == ControlServer::kTokenKind) {
      parts_.control->OnReady(event.token, event.events);
    } else if (event.token.value >> 56 == Upgrader::kTokenKind) {
      parts_.upgrader->OnReady();
    } else {
      service_->OnReady(event.token);
    }
  }
  if (service_->reaping_is_due()) ReapChildren();
  service_->Settle();
  parts_.manager->Update(*service_);
}

void MasterLoop::HandleSignals() {
  SignalInfo signal;
  while (TakeSignal(signal_fd_.get(), &signal)) {
    const MasterRequest request = RequestFor(signal.signal, signal.code, int_signals_);
    if (signal.signal == SIGINT) ++int_signals_;
    if (request == MasterRequest::kReapChildren) {
      ReapChildren();
    } else {
      Obey(request, Asker::OfSignal(signal));
    }
  }
}

void MasterLoop::Obey(MasterRequest request, const Asker& asker) {
  Operator& op = *parts_.op;
  const auto stopping = [&](absl::string_view action, absl::string_view how) {
    op.End({std::string(action), asker, {}}, AuditResult::kOk, how);
  };
  switch (request) {
    case MasterRequest::kReload:
      return op.Reload({"reload", asker, {}});
    case MasterRequest::kDrain:
      stopping("drain", "stopping when all that is in flight is answered");
      return Drain();
    case MasterRequest::kStopFast:
      stopping("stop", "stopping fast");
      return StopFast();
    case MasterRequest::kStopNow:
      stopping("stop", "stopping at once");
      stop_now_ = true;
      return service_->KillAll();
    case MasterRequest::kOneWorkerMore:
      return op.Step(1, {"scale", asker, {}});
    case MasterRequest::kOneWorkerLess:
      return op.Step(-1, {"scale", asker, {}});
    case MasterRequest::kReopenLogs:
      return op.ReopenLogs({"reopen-logs", asker, {}});
    case MasterRequest::kUpgrade:
      return Upgrade({"upgrade", asker, {}});
    case MasterRequest::kNone:
      return op.End({"signal", asker, {}}, AuditResult::kRefused, "it means nothing");
    case MasterRequest::kReapChildren:
      return;  // nobody asked
  }
}

void MasterLoop::ReapChildren() {
  service_->ReapChildren([this](pid_t pid) { return parts_.upgrader->OnChildExited(pid); });
}

void MasterLoop::Drain() {
  service_->Stop(timers_.now() + service_->current().generation().config().master.drain_timeout);
}

void MasterLoop::StopFast() { service_->Stop(timers_.now()); }

void MasterLoop::Upgrade(const Errand& errand) {
  if (parts_.upgrader->running()) {
    return parts_.op->End(errand, AuditResult::kRefused, "an upgrade is going on");
  }
  wants_upgrade_ = errand;
  parts_.upgrader->Begin();
}

absl::StatusOr<proto::UpgradeState> MasterLoop::DescribeForUpgrade() {
  proto::UpgradeState state;
  if (absl::Status described = service_->Describe(&state); !described.ok()) return described;
  const absl::string_view level =
      parts_.settings->log_level ? LogLevelName(*parts_.settings->log_level) : "";
  state.set_log_level(level.data(), level.size());
  state.set_control(parts_.control->listening_fd());
  state.set_control_path(parts_.control->path());
  state.set_reply_to(parts_.control->SocketOf(wants_upgrade_.client));
  wants_upgrade_.asker.Describe(state.mutable_asked_by());
  return state;
}

void MasterLoop::OnUpgradeFailed(const std::string& why) {
  parts_.op->End(std::exchange(wants_upgrade_, {}), AuditResult::kFailed,
                 absl::StrCat(why, "; everything is as it was"));
}

}  // namespace windlass
