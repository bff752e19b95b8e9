#include "worker/io/io_loop.h"

#include <algorithm>

#include "common/config_keys.h"
#include "common/cpu_affinity.h"
#include "common/log.h"
#include "common/log_command.h"
#include "common/posix.h"
#include "proto/control.pb.h"
#include "worker/framing/http_framing.h"
#include "worker/io/survey.h"

namespace windlass {
namespace {

constexpr size_t kInputScratchBytes = 64 << 10;
// Results and files come as descriptors: clients are turned away before answers are.
constexpr int kReservedDescriptors = 64;
constexpr absl::Duration kTrimEvery = absl::Seconds(5);
constexpr absl::Duration kTellEvery = absl::Seconds(1);

LostJob ReadLostJob(const proto::Command::JobLost& lost) {
  return {JobId::FromWord(lost.id()), lost.cause(),  lost.may_retry(), lost.counts(),
          lost.handler() != 0,        lost.handler()};
}

}  // namespace

IoLoop::IoLoop(ProcessSetup setup, ControlChannel* control, std::unique_ptr<Selector> selector)
    : setup_(std::move(setup)),
      control_(control),
      selector_(std::move(selector)),
      slot_(setup_.scoreboard->MutableSlot(setup_.slot)),
      timers_(MonotonicNow()),
      access_log_(setup_, &timers_),
      router_(*setup_.config),
      exchanges_(&dispatchers_),
      dispatchers_(setup_, &timers_, this),
      peers_(setup_),
      acceptor_(setup_, selector_.get(), &timers_),
      mover_(setup_, &io_, &connections_),
      taker_(selector_.get(), this),
      drain_timer_(this),
      trim_timer_(this),
      tell_timer_(this),
      client_fd_limit_(static_cast<int>(RaiseDescriptorLimit()) - kReservedDescriptors) {
  for (const ListenSocket& socket : setup_.listeners) {
    const ListenerConfig& config = setup_.config->listeners[socket.listener];
    // It was read when the configuration was; a user that is gone since then allows nobody.
    absl::StatusOr<PeerFilter> allow = PeerFilter::Parse(config.allow);
    if (!allow.ok()) allow = PeerFilter::Nobody();
    listeners_.push_back(
        {socket.listener, &config, socket.address, MakeFraming(config), *std::move(allow)});
    if (setup_.slot.value >= setup_.scoreboard->worker_slots()) continue;
    listeners_.back().meter = std::make_unique<RequestMeter>(
        setup_.scoreboard->names(), &setup_.scoreboard->MutableMetrics(setup_.slot), socket.address,
        *setup_.config);
  }
  io_.config = setup_.config;
  io_.slot = &slot_;
  io_.selector = selector_.get();
  io_.timers = &timers_;
  io_.dispatchers = &dispatchers_;
  io_.exchanges = &exchanges_;
  io_.router = &router_;
  io_.peers = &peers_;
  io_.statics = &statics_;
  if (!setup_.access_logs.empty()) io_.access = &access_log_;
  io_.input_scratch.resize(kInputScratchBytes + kInputPadding);
  io_.input_scratch_bytes = kInputScratchBytes;
}

IoLoop::~IoLoop() {
  connections_.ForEach([](Connection* connection) { connection->CloseNow(); });
}

void IoLoop::ServePages(PageSource* pages, std::function<void(SelectorToken)> on_ready) {
  io_.pages = pages;
  on_pages_ready_ = std::move(on_ready);
  for (ListenerContext& listener : listeners_) {  // pages are in http only
    static_cast<HttpFraming&>(*listener.framing).writer().set_methods(kPageMethods);
  }
}

absl::Status IoLoop::Start() {
  const SelectorToken control{kControlKind << 56};
  if (io_.pages != nullptr) return selector_->Register(control_->fd(), kReadable, control);
  if (absl::Status loaded = statics_.Load(*setup_.config); !loaded.ok()) return loaded;
  for (uint32_t pool = 0; pool < dispatchers_.size(); ++pool) {
    absl::Status replies = selector_->Register(setup_.pools[pool].reply_channel, kReadable,
                                               SelectorToken{kRepliesKind << 56 | pool});
    if (!replies.ok()) return replies;
    // Answers to this slot's former process may still be there: none is for a client of ours.
    dispatchers_.at(pool).OnRepliesReady();
  }
  return selector_->Register(control_->fd(), kReadable, control);
}

int IoLoop::Run() {
  const auto is_leaving = [this] { return io_.draining || io_.leaving; };
  while (!master_gone_ && !(is_leaving() && connections_.size() == 0)) Turn();
  LogLimit::TellAllSwallowed();
  return 0;
}

void IoLoop::Turn() {
  acceptor_.BeforeWait(static_cast<uint32_t>(connections_.size()));
  const absl::StatusOr<absl::Span<const Ready>> ready =
      selector_->Select(timers_.SleepMs(MonotonicNow()));
  CHECK(ready.ok()) << ready.status().ToString();
  timers_.Advance(MonotonicNow());
  for (const Ready& event : *ready) OnReady(event);
  if (dispatchers_.holds_memory() && !trim_timer_.armed()) {
    timers_.Arm(&trim_timer_, timers_.now() + kTrimEvery);
  }
  EndTurn();
  if (LogLimit::any_swallowed() && !tell_timer_.armed()) {
    timers_.Arm(&tell_timer_, timers_.now() + kTellEvery);
  }
}

void IoLoop::OnReady(const Ready& ready) {
  switch (ready.token.value >> 56) {
    case ConnectionTable::kTokenKind:
      // Null, or closed: it went earlier in this batch.
      if (Connection* const connection = connections_.Find(ready.token); connection != nullptr) {
        if (!connection->closed()) connection->OnReady(ready.events);
      }
      break;
    case Acceptor::kTokenKind:
      acceptor_.OnReady(ready.token, [this](OwnedFd socket, uint32_t listener) {
        TakeClient(std::move(socket), listener);
      });
      break;
    case Mover::kTokenKind:
      mover_.OnReady(ready.token);
      break;
    case Taker::kTokenKind:
      taker_.OnReady(ready.token);
      break;
    case kRepliesKind:
      dispatchers_.at(static_cast<uint32_t>(ready.token.value)).OnRepliesReady();
      break;
    case kControlKind:
      HandleControl();
      break;
    case kPagesKind:
      if (on_pages_ready_) on_pages_ready_(ready.token);
      break;
    default:
      LOG_LIMITED(ERROR, trouble_log_, timers_.now())
          << "event for unknown token " << ready.token.value;
  }
}

void IoLoop::FlushAll() {
  // A flush may make room for more requests, whose inline answers are flushed in the same turn.
  for (size_t i = 0; i < io_.to_flush.size(); ++i) io_.to_flush[i]->Flush();
  io_.to_flush.clear();
}

void IoLoop::RemoveClosed() {
  for (Connection* connection : io_.closed) connections_.Remove(connection);
  io_.closed.clear();
}

void IoLoop::EndTurn() {
  FlushAll();
  RemoveClosed();  // before the mover counts
  mover_.EndTurn();
  FlushAll();  // of those that did not go after all
  RemoveClosed();
  slot_.connections.store(static_cast<uint32_t>(connections_.size()), std::memory_order_relaxed);
}

bool IoLoop::HasRoomFor(int socket) const {
  return connections_.size() < static_cast<size_t>(setup_.config->workers.max_connections) &&
         socket < client_fd_limit_;
}

void IoLoop::TakeClient(OwnedFd socket, uint32_t listener) {
  if (!HasRoomFor(socket.get())) {
    LOG_LIMITED(WARNING, shed_log_, timers_.now())
        << "turned a client away: " << connections_.size() << " connections";
    Bump(slot_.shed_connections);
    return;  // closed at once
  }
  if (!listeners_[listener].allow.Allows(socket.get())) {
    LOG_LIMITED(WARNING, refused_log_, timers_.now())
        << "turned " << PeerName(socket.get()) << " away at " << listeners_[listener].address
        << ": not in listener.allow";
    Bump(slot_.shed_connections);
    return;
  }
  auto made = std::make_unique<Connection>(std::move(socket), connections_.NextToken(),
                                           &listeners_[listener], &io_);
  if (!made->Start().ok()) {
    Bump(slot_.shed_connections);
    return;
  }
  Bump(slot_.accepted);
  Connection* const connection = connections_.Add(std::move(made));
  if (io_.draining) connection->Drain();
  if (io_.leaving) connection->Quiesce();
}

ListenerContext* IoLoop::FindListener(absl::string_view address, absl::string_view protocol) {
  for (ListenerContext& listener : listeners_) {
    if (listener.address == address && ProtocolName(listener.config->protocol) == protocol) {
      return &listener;
    }
  }
  return nullptr;
}

proto::Verdicts::Outcome IoLoop::Examine(const IncomingConnection& connection) {
  if (io_.draining || io_.leaving || !HasRoomFor(connection.socket.get())) {
    return proto::Verdicts::FULL;
  }
  const bool is_served = FindListener(connection.listener, connection.protocol) != nullptr;
  return is_served ? proto::Verdicts::TAKEN : proto::Verdicts::NO_LISTENER;
}

void IoLoop::Take(IncomingConnection moved) {
  ListenerContext* const listener = FindListener(moved.listener, moved.protocol);
  auto made = std::make_unique<Connection>(std::move(moved.socket), connections_.NextToken(),
                                           listener, &io_);
  Connection* const connection = connections_.Add(std::move(made));
  Bump(slot_.moved_in);
  if (!connection->StartMoved(std::move(moved)).ok()) connections_.Remove(connection);
}

void IoLoop::OnAnswer(Exchange* exchange, const Answer& answer) {
  exchange->connection->OnAnswer(exchange, answer);
}

BacklogLane** IoLoop::LaneOf(Exchange* exchange) {
  return exchange->connection->lane(exchange->pool);
}

void IoLoop::OnCrash(const CrashedPayload& crash) {
  proto::Report report;
  report.mutable_crashed()->set_handler(crash.handler);
  report.mutable_crashed()->set_bytes(crash.bytes);
  report.mutable_crashed()->set_high(crash.fingerprint.high);
  report.mutable_crashed()->set_low(crash.fingerprint.low);
  control_->Send(report);
}

void IoLoop::HandleControl() {
  proto::Command command;
  for (;;) {
    switch (control_->Receive(&command)) {
      case ControlChannel::Outcome::kEmpty:
        return;
      case ControlChannel::Outcome::kMalformed:
        continue;
      case ControlChannel::Outcome::kPeerGone:
        LOG(ERROR) << "the master is gone: stopping";
        master_gone_ = true;
        return StopNow();
      case ControlChannel::Outcome::kMessage:
        break;
    }
    Obey(command);
  }
}

void IoLoop::Obey(const proto::Command& command) {
  switch (command.what_case()) {
    case proto::Command::kServe:
      return acceptor_.Start();
    case proto::Command::kDrain:
      return BeginDrain(command.drain());
    case proto::Command::kLink:
      return AddLink(command.link());
    case proto::Command::kJobLost:
      if (Dispatcher* const of = DispatcherFor(command.job_lost().pool()); of != nullptr) {
        of->OnJobLost(ReadLostJob(command.job_lost()));
      }
      return;
    case proto::Command::kRunOn:
      return RunOn(command.run_on());
    case proto::Command::kQuarantine:
      return dispatchers_.OnQuarantine(command.quarantine());
    case proto::Command::kFence:
      if (Dispatcher* const of = DispatcherFor(command.fence().pool()); of != nullptr) {
        of->OnFenceRequested(command.fence().cause(), command.fence().has_run());
      }
      return;
    case proto::Command::kSurvey:
      return AnswerSurvey(command.survey(), setup_, timers_.now(), &connections_, dispatchers_,
                          control_);
    case proto::Command::kDropJob: {
      proto::Report report;
      report.mutable_drop_result()->set_id(command.drop_job().id());
      report.mutable_drop_result()->set_found(
          dispatchers_.DropWaiting(JobId::FromWord(command.drop_job().id())));
      control_->Send(report);
      return;
    }
    case proto::Command::kLogTo:
    case proto::Command::kLogLevel:
    case proto::Command::kLogFormat:
      return ObeyLogCommand(command, control_);
    case proto::Command::kAccessLogTo:
      return TakeAccessLog(command.access_log_to());
    case proto::Command::kClone:  // a zygote's
    case proto::Command::kSymbolize:
    case proto::Command::WHAT_NOT_SET:
      return;
  }
}

Dispatcher* IoLoop::DispatcherFor(uint32_t pool) {
  return pool < dispatchers_.size() ? &dispatchers_.at(pool) : nullptr;
}

// Without, it only runs where others do too.
void IoLoop::RunOn(const proto::Command::RunOn& run_on) {
  const absl::Status moved =
      RunOnCpus(std::vector<int>(run_on.cpus().begin(), run_on.cpus().end()));
  if (!moved.ok()) {
    LOG_LIMITED(WARNING, trouble_log_, timers_.now())
        << "workers.cpu_affinity: " << moved.message();
  }
}

void IoLoop::TakeAccessLog(const proto::Command::AccessLogTo& log) {
  // Without a descriptor (this process is at its limit) lines go on where they went.
  if (!control_->fds().empty()) access_log_.Redirect(log.path(), std::move(control_->fds()[0]));
  if (log.number() == 0) return;
  proto::Report report;
  report.mutable_log_taken()->set_number(log.number());
  control_->Send(report);
}

void IoLoop::AddLink(const proto::Command::Link& link) {
  // Lost when this process is at its limit of descriptors; the other worker hears the link's end.
  if (control_->fds().empty()) {
    LOG_LIMITED(ERROR, trouble_log_, timers_.now()) << "a link without its socket";
    return;
  }
  OwnedFd socket = std::move(control_->fds()[0]);
  if (link.incoming()) return taker_.AddLink(std::move(socket));
  if (link.slot() >= setup_.scoreboard->worker_slots()) return;
  mover_.AddLink(std::move(socket), SlotIndex{link.slot()}, link.even_out());
}

// A second one may come, with an earlier deadline, or because the server stops.
void IoLoop::BeginDrain(const proto::Command::Drain& drain) {
  timers_.Arm(&drain_timer_, Instant{static_cast<int64_t>(drain.deadline_ns())});
  const bool first = !io_.draining && !io_.leaving;
  if (io_.draining || (io_.leaving && drain.move())) return;
  (drain.move() ? io_.leaving : io_.draining) = true;
  if (first) {
    // Clients that wait in the accept queue were promised an answer by the kernel's handshake.
    const std::vector<uint32_t> kept(drain.kept().begin(), drain.kept().end());
    acceptor_.StopAndDrain(kept, [this](OwnedFd socket, uint32_t listener) {
      TakeClient(std::move(socket), listener);
    });
  }
  if (drain.move()) return mover_.BeginLeaving();
  connections_.ForEach([](Connection* connection) { connection->Drain(); });
  if (io_.pages != nullptr) io_.pages->OnDrain();
}

void IoLoop::OnTimer(Timer* timer, Instant) {
  if (timer == &trim_timer_) return dispatchers_.Trim();
  if (timer == &tell_timer_) return LogLimit::TellSwallowed(timers_.now());
  LOG(WARNING) << "time is up: closing " << connections_.size() << " connections";
  StopNow();
}

void IoLoop::StopNow() {
  const bool alone = io_.leaving && !io_.draining && !master_gone_;
  io_.draining = true;
  dispatchers_.AnswerAll(ErrorCode::kUnavailable, alone ? "the worker that had the job ends"
                                                        : "the server is shutting down");
  connections_.ForEach([](Connection* connection) { connection->CloseNow(); });
}

}  // namespace windlass
