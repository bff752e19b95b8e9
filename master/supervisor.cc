#include "master/supervisor.h"

#include <signal.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/posix.h"
#include "proto/control.pb.h"

namespace windlass {
namespace {

constexpr int kReportsPerTurn = 64;  // a child that floods its channel does not hold up the others
constexpr absl::Duration kKillGrace = absl::Seconds(1);  // after the drain's deadline

SelectorToken TokenFor(uint64_t kind, size_t index) { return SelectorToken{kind << 56 | index}; }

// "was killed by SIGSEGV (Segmentation fault)", "exited with code 3".
std::string DescribeExit(const ExitStatus& status) {
  if (status.exited) return absl::StrCat("exited with code ", status.code);
  const char* const name = ::sigabbrev_np(status.code);
  const char* const text = ::sigdescr_np(status.code);
  return absl::StrCat("was killed by ", name == nullptr ? "signal " : "SIG",
                      name == nullptr ? std::to_string(status.code) : name, " (",
                      text == nullptr ? "?" : text, ")");
}

}  // namespace

Supervisor::Supervisor(Generation generation, Scoreboard* board, absl::Span<const RoleSpec> roles,
                       Selector* selector, TimerWheel* timers, LogLevel log_level)
    : generation_(std::move(generation)),
      board_(board),
      selector_(selector),
      timers_(timers),
      log_level_(log_level),
      spawn_rate_(policy_.max_spawns_per_second, timers->now()),
      start_timer_(this) {
  const Sizing& sizing = generation_.sizing();
  const uint32_t worker_slots = static_cast<uint32_t>(generation_.config().workers.max);
  for (const RoleSpec& role : roles) {
    const bool is_worker = role.role == Role::kWorker;
    const uint32_t first = is_worker ? 0 : worker_slots;
    const uint32_t count = static_cast<uint32_t>(is_worker ? sizing.workers : sizing.pool);
    for (uint32_t i = 0; i < count; ++i) {
      children_.push_back(std::make_unique<Child>(this, &role, SlotIndex{first + i}));
    }
  }
  board_->MutableHeader().worker_slots_used.store(static_cast<uint32_t>(sizing.workers));
  board_->MutableHeader().slots_used.store(worker_slots + static_cast<uint32_t>(sizing.pool));
}

Supervisor::~Supervisor() { KillAll(); }

void Supervisor::Start() {
  timers_->Arm(&start_timer_, timers_->now() + generation_.config().master.startup_timeout);
  for (auto& child : children_) Apply(*child, ChildEvent::kSpawnDue);
  UpdateState();
}

// Decides by the table, then acts.
void Supervisor::Apply(Child& child, ChildEvent event) {
  const ChildDecision decision = DecideChild(child.state, event);
  if (decision.next != child.state) {
    LOG(DEBUG) << child.role->name << "-" << child.slot.value << ": " << ChildStateName(child.state)
               << " -> " << ChildStateName(decision.next);
  }
  child.state = decision.next;
  switch (decision.action) {
    case ChildAction::kNone:
      break;
    case ChildAction::kSpawn:
      Spawn(child);
      break;
    case ChildAction::kReschedule:
      Reschedule(child);
      break;
    case ChildAction::kKill:
      Kill(child, event == ChildEvent::kDeadline && state_ == State::kDraining
                      ? "it did not end in time"
                      : "startup_timeout");
      break;
    case ChildAction::kTellDrain:
      TellDrain(child);
      break;
  }
  if (child.state == ChildState::kServing || child.state == ChildState::kGone) child.timer.Disarm();
  if (event == ChildEvent::kReady && state_ == State::kServing) {
    LOG(INFO) << child.role->name << "-" << child.slot.value << " is serving again, pid "
              << child.pid;
  }
}

void Supervisor::Spawn(Child& child) {
  const absl::Duration wait = spawn_rate_.Take(timers_->now());
  absl::StatusOr<SpawnedProcess> process = absl::UnavailableError("");
  if (wait == absl::ZeroDuration()) {
    child.incarnation = JobId::NextIncarnation(child.incarnation);
    ProcessSlot& slot = board_->MutableSlot(child.slot);
    slot.incarnation.store(child.incarnation);
    slot.job.store(kSlotIdle);
    slot.role.store(child.role->role);
    process =
        SpawnProcess(*child.role, generation_, child.slot, child.incarnation, board_, log_level_);
    if (!process.ok())
      LOG(ERROR) << "cannot make a " << child.role->name << ": " << process.status().ToString();
  }
  if (!process.ok()) {
    child.state = ChildState::kWaiting;
    const absl::Duration delay =
        wait > absl::ZeroDuration() ? wait : RestartDelay(++child.quick_deaths, policy_);
    return timers_->Arm(&child.timer, timers_->now() + delay);
  }
  Watch(child, *std::move(process));
}

void Supervisor::Watch(Child& child, SpawnedProcess process) {
  child.pid = process.pid;
  child.pidfd = std::move(process.pidfd);
  child.control.emplace(std::move(process.control));
  child.started = timers_->now();
  board_->MutableSlot(child.slot).pid.store(child.pid);
  const size_t index =
      static_cast<size_t>(std::find_if(children_.begin(), children_.end(),
                                       [&](const auto& c) { return c.get() == &child; }) -
                          children_.begin());
  absl::Status watched =
      selector_->Register(child.pidfd.get(), kReadable, TokenFor(kPidfdKind, index));
  if (watched.ok())
    watched = selector_->Register(child.control->fd(), kReadable, TokenFor(kControlKind, index));
  CHECK(watched.ok()) << watched.ToString();
  timers_->Arm(&child.timer, timers_->now() + generation_.config().master.startup_timeout);
  LOG(DEBUG) << child.role->name << "-" << child.slot.value << " is pid " << child.pid;
}

void Supervisor::OnReady(SelectorToken token) {
  const size_t index = token.value & 0xffffffff;
  if (index >= children_.size()) return;
  Child& child = *children_[index];
  if (child.pid == 0) return;  // it went earlier in this batch
  if (token.value >> 56 == kPidfdKind) {
    OnExited(child);
  } else {
    OnReport(child);
  }
  UpdateState();
}

void Supervisor::OnReport(Child& child) {
  proto::Report report;
  for (int i = 0; i < kReportsPerTurn; ++i) {
    switch (child.control->Receive(&report)) {
      case ControlChannel::Outcome::kEmpty:
        return;
      case ControlChannel::Outcome::kMalformed:
        continue;
      case ControlChannel::Outcome::kPeerGone:
        // Its pidfd tells the rest. A process that lives on without its channel cannot be
        // supervised.
        (void)PidfdSignal(child.pidfd.get(), SIGKILL);
        selector_->Unregister(child.control->fd());
        child.control.reset();
        return;
      case ControlChannel::Outcome::kMessage:
        break;
    }
    if (report.has_ready()) {
      Apply(child, ChildEvent::kReady);
    } else if (report.has_failed()) {
      LOG(ERROR) << child.role->name << "-" << child.slot.value
                 << " cannot start: " << report.failed().why();
      if (state_ == State::kStarting && why_.empty()) why_ = report.failed().why();
    } else if (report.has_reply_dropped()) {
      Child* const worker = FindWorker(SlotIndex{report.reply_dropped().worker_slot()},
                                       report.reply_dropped().incarnation());
      if (worker != nullptr) Kill(*worker, "it does not take its answers");
    }
  }
}

void Supervisor::OnExited(Child& child) {
  if (child.control.has_value()) OnReport(child);  // its last words
  const std::optional<ExitStatus> status = ReapPidfd(child.pidfd.get());
  if (!status) return;
  const std::string cause = DescribeExit(*status);
  selector_->Unregister(child.pidfd.get());
  child.pidfd.Reset();
  if (child.control.has_value()) selector_->Unregister(child.control->fd());
  child.control.reset();
  const pid_t pid = std::exchange(child.pid, 0);
  const uint64_t held_job = board_->slot(child.slot).job.load();
  const bool was_running = child.role->role == Role::kPool && held_job > kSlotReceiving;
  const bool expected = child.state == ChildState::kDraining || child.state == ChildState::kEnding;
  if (!expected && deaths_log_.Allow(timers_->now())) {
    LOG(WARNING) << child.role->name << "-" << child.slot.value << " (pid " << pid << ") " << cause
                 << (was_running ? " while running a job" : "") << deaths_log_.Swallowed();
  }
  ClearSlot(child);
  if (child.role->role == Role::kPool) SettleJobs(child, held_job, cause);
  const bool lived_long = timers_->now() - child.started >= policy_.healthy_after;
  // In RECEIVING it may have had one: the doubt is the job's.
  if (held_job != kSlotIdle || lived_long) {
    child.quick_deaths = 0;
  } else {
    ++child.quick_deaths;
  }
  if (state_ == State::kStarting && !was_running && why_.empty()) {
    why_ = absl::StrCat("a ", child.role->name, " process ", cause, " before it was ready");
  }
  Apply(child, ChildEvent::kExited);
}

void Supervisor::ClearSlot(const Child& child) {
  ProcessSlot& slot = board_->MutableSlot(child.slot);
  slot.pid.store(0);
  slot.job.store(kSlotIdle);
  slot.jobs_out.store(0);
  slot.jobs_queued.store(0);
  slot.connections.store(0);
  slot.payload_bytes.store(0);
}

// What a dead pool process had in its hands, as far as its slot says.
void Supervisor::SettleJobs(const Child&, uint64_t held_job, const std::string& cause) {
  if (held_job == kSlotIdle) return;
  proto::Command command;
  if (held_job != kSlotReceiving) {
    const JobId id = JobId::FromWord(held_job);
    Child* const worker = FindWorker(id.slot(), id.incarnation());
    if (worker == nullptr) return;
    command.mutable_job_lost()->set_id(held_job);
    command.mutable_job_lost()->set_cause(cause);
    return Tell(*worker, command);
  }
  // It may or may not have taken a job: whoever has sent one must find out.
  command.mutable_fence()->set_cause(cause);
  for (auto& child : children_) {
    if (child->role->role == Role::kWorker && child->control.has_value()) Tell(*child, command);
  }
}

Supervisor::Child* Supervisor::FindWorker(SlotIndex slot, uint32_t incarnation) {
  for (auto& child : children_) {
    if (child->role->role != Role::kWorker || child->slot != slot || !child->control.has_value())
      continue;
    return child->incarnation == incarnation ? child.get() : nullptr;
  }
  return nullptr;
}

void Supervisor::Tell(Child& child, const google::protobuf::MessageLite& command) {
  const PacketOutcome outcome = child.control->Send(command);
  // A worker that has left hundreds of commands unread is not coming back; its clients are better
  // off without it.
  if (outcome == PacketOutcome::kFull) Kill(child, "it does not read its control channel");
}

void Supervisor::Reschedule(Child& child) {
  const absl::Duration delay = RestartDelay(child.quick_deaths, policy_);
  if (delay > absl::ZeroDuration()) {
    LOG(WARNING) << child.role->name << "-" << child.slot.value << ": next try in " << delay
                 << " after " << child.quick_deaths << " quick death(s)";
  }
  timers_->Arm(&child.timer, timers_->now() + delay);
  if (delay == absl::ZeroDuration()) Apply(child, ChildEvent::kSpawnDue);
}

void Supervisor::Kill(Child& child, absl::string_view why) {
  if (child.pid == 0) return;
  LOG(WARNING) << "killing " << child.role->name << "-" << child.slot.value << " (pid " << child.pid
               << "): " << why;
  (void)PidfdSignal(child.pidfd.get(), SIGKILL);  // gone already: its pidfd says so next
}

void Supervisor::TellDrain(Child& child) {
  proto::Command command;
  command.mutable_drain()->set_deadline_ns(static_cast<uint64_t>(drain_deadline_.ns));
  timers_->Arm(&child.timer, drain_deadline_ + kKillGrace);
  if (child.control.has_value()) Tell(child, command);
}

void Supervisor::Drain(Instant deadline) {
  drain_deadline_ = std::min(drain_deadline_, deadline);
  state_ = State::kDraining;
  generation_.listeners().Close();
  for (auto& child : children_) {
    if (child->role->role == Role::kWorker) Apply(*child, ChildEvent::kDrain);
  }
  UpdateState();
}

void Supervisor::KillAll() {
  for (auto& child : children_) {
    if (child->pid != 0) (void)PidfdSignal(child->pidfd.get(), SIGKILL);
  }
}

void Supervisor::ReapStrangers() {
  for (int i = 0; i < 64; ++i) {
    const pid_t pid = PeekExitedChild();
    if (pid <= 0) break;
    const auto known = std::find_if(children_.begin(), children_.end(),
                                    [pid](const auto& child) { return child->pid == pid; });
    if (known != children_.end()) {
      OnExited(**known);
    } else {
      ReapStranger(pid);
    }
  }
  UpdateState();
}

void Supervisor::OnTimer(Timer* timer, Instant) {
  if (timer == &start_timer_ && state_ == State::kStarting && why_.empty()) {
    why_ = "not all processes were ready within startup_timeout";
  }
  for (auto& child : children_) {
    if (&child->timer != timer) continue;
    Apply(*child,
          child->state == ChildState::kWaiting ? ChildEvent::kSpawnDue : ChildEvent::kDeadline);
    if (state_ == State::kStarting && child->state == ChildState::kKilled && why_.empty()) {
      why_ = absl::StrCat("a ", child->role->name, " process was not ready within startup_timeout");
    }
  }
  UpdateState();
}

bool Supervisor::AnyLeft(Role role) const {
  return std::any_of(children_.begin(), children_.end(), [role](const auto& child) {
    return child->role->role == role && child->state != ChildState::kGone;
  });
}

void Supervisor::UpdateState() {
  uint32_t pool_ready = 0;
  bool all_ready = true;
  for (const auto& child : children_) {
    const bool serving = child->state == ChildState::kServing;
    all_ready = all_ready && serving;
    if (serving && child->role->role == Role::kPool) ++pool_ready;
  }
  board_->MutableHeader().pool_ready.store(pool_ready);
  if (state_ == State::kStarting && all_ready) {
    state_ = State::kServing;
    why_.clear();
  }
  if (state_ == State::kStarting && !why_.empty()) state_ = State::kFailed;
  if (state_ != State::kDraining || AnyLeft(Role::kWorker)) return;
  // No worker needs the pool any more.
  const bool told = std::none_of(children_.begin(), children_.end(), [](const auto& child) {
    return child->state == ChildState::kServing || child->state == ChildState::kStarting ||
           child->state == ChildState::kWaiting || child->state == ChildState::kKilled;
  });
  if (!told) {
    drain_deadline_ = std::min(drain_deadline_, timers_->now());
    for (auto& child : children_) Apply(*child, ChildEvent::kDrain);
  }
  if (!AnyLeft(Role::kPool)) state_ = State::kDone;
}

}  // namespace windlass
