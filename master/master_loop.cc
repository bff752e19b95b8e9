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

void Announce(const Supervisor& supervisor, const Options& options) {
  const Generation& generation = supervisor.generation();
  const std::vector<ListenSocket> sockets = generation.listeners().sockets();
  for (const ListenSocket& socket : sockets) {
    const Protocol protocol = generation.config().listeners[socket.listener].protocol;
    LOG(NOTICE) << "listening protocol=" << ProtocolName(protocol) << " address=" << socket.address;
  }
  LOG(INFO) << "serving: " << generation.sizing().workers << " workers, "
            << generation.sizing().pool << " pool processes";
  if (!options.hint || sockets.empty()) return;
  for (const ListenSocket& socket : sockets) {
    if (generation.config().listeners[socket.listener].protocol != Protocol::kMessage) continue;
    std::cout << "try: build/windlass search " << socket.address << " morpheus" << std::endl;
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
      return code == SI_KERNEL ? MasterRequest::kDrain : MasterRequest::kNone;
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

int MasterLoop::Run(Supervisor* supervisor, const Options& options) {
  supervisor->Start();
  while (supervisor->state() == Supervisor::State::kStarting && !stop_now_) Turn(supervisor);
  if (supervisor->state() == Supervisor::State::kServing) Announce(*supervisor, options);
  while (supervisor->state() == Supervisor::State::kServing && !stop_now_) Turn(supervisor);
  while (supervisor->state() == Supervisor::State::kDraining && !stop_now_) Turn(supervisor);
  if (supervisor->state() == Supervisor::State::kFailed) {
    LOG(ERROR) << "cannot start: " << supervisor->why();
    return 1;
  }
  LOG(INFO) << (stop_now_ ? "stopped at once" : "stopped");
  return 0;
}

void MasterLoop::Turn(Supervisor* supervisor) {
  const absl::StatusOr<absl::Span<const Ready>> ready =
      selector_->Select(timers_.SleepMs(MonotonicNow()));
  CHECK(ready.ok()) << ready.status().ToString();
  timers_.Advance(MonotonicNow());
  for (const Ready& event : *ready) {
    if (event.token == kSignalToken) {
      HandleSignals(supervisor);
    } else {
      supervisor->OnReady(event.token);
    }
  }
}

void MasterLoop::HandleSignals(Supervisor* supervisor) {
  int signal = 0;
  int code = 0;
  while (TakeSignal(signal_fd_.get(), &signal, &code)) {
    const MasterRequest request = RequestFor(signal, code, int_signals_);
    if (signal == SIGINT) ++int_signals_;
    if (request != MasterRequest::kReapChildren) {
      const char* const name = ::sigabbrev_np(signal);
      LOG(INFO) << "SIG" << (name == nullptr ? "?" : name)
                << (request == MasterRequest::kNone ? " ignored" : "");
    }
    switch (request) {
      case MasterRequest::kDrain:
        supervisor->Drain(timers_.now() + supervisor->generation().config().master.drain_timeout);
        break;
      case MasterRequest::kStopFast:
        supervisor->Drain(timers_.now());
        break;
      case MasterRequest::kStopNow:
        stop_now_ = true;
        supervisor->KillAll();
        break;
      case MasterRequest::kReapChildren:
        supervisor->ReapStrangers();
        break;
      case MasterRequest::kNone:
        break;
    }
  }
}

}  // namespace windlass
