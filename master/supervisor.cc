#include "master/supervisor.h"

#include <signal.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr int kReportsPerTurn = 64;  // a child that floods its channel does not hold up the others
constexpr absl::Duration kKillGrace = absl::Seconds(1);  // after the drain's deadline
constexpr absl::Duration kSlotRetry = absl::Milliseconds(20);

SelectorToken TokenFor(uint64_t kind, uint32_t bay, ChildId child) {
  return SelectorToken{kind << 56 | uint64_t{bay} << 48 | child.value};
}

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

Supervisor::Supervisor(Generation generation, const SupervisorServices& services)
    : Supervisor(std::move(generation), services, /*adopted=*/false) {
  for (int i = 0; i < wanted_workers_; ++i) AddChild(SpecOf(Role::kWorker));
  for (int i = 0; i < wanted_pool_; ++i) AddChild(SpecOf(Role::kPool));
}

Supervisor::Supervisor(Generation generation, const SupervisorServices& services, bool)
    : generation_(std::move(generation)),
      bound_(generation_.listeners().sockets()),
      services_(services),
      board_(services.board),
      selector_(services.selector),
      timers_(services.timers),
      worker_slots_(generation_.place().first_worker, generation_.worker_slots()),
      wanted_workers_(generation_.sizing().workers),
      wanted_pool_(generation_.sizing().pool),
      spawn_rate_(policy_.max_spawns_per_second, timers_->now()),
      start_timer_(this) {
  GenerationBay& bay = board_->MutableHeader().bays[generation_.place().bay];
  bay.generation.store(generation_.number());
  bay.first_worker.store(generation_.place().first_worker);
}

Supervisor::~Supervisor() {
  KillAll();
  for (auto& child : children_) ReleaseSlot(*child);
  GenerationBay& bay = board_->MutableHeader().bays[generation_.place().bay];
  bay.generation.store(0);
  bay.workers.store(0);
  bay.pool_ready.store(0);
}

const RoleSpec& Supervisor::SpecOf(Role role) const {
  const auto found = std::find_if(services_.roles.begin(), services_.roles.end(),
                                  [role](const RoleSpec& spec) { return spec.role == role; });
  CHECK(found != services_.roles.end());
  return *found;
}

Child& Supervisor::AddChild(const RoleSpec& role) {
  children_.push_back(std::make_unique<Child>(this, &role, ChildId{next_child_++}));
  return *children_.back();
}

uint32_t Supervisor::NumberOf(const Child& child) const {
  if (!child.slot) return 0;
  return child.is_worker() ? child.slot->value : child.slot->value - board_->worker_slots();
}

std::string Supervisor::NameOf(const Child& child) const {
  return child.slot ? ProcessName(*child.role, *child.slot, *board_)
                    : absl::StrCat("a ", child.role->name);
}

void Supervisor::Start() {
  timers_->Arm(&start_timer_, timers_->now() + generation_.config().master.startup_timeout);
  for (size_t i = 0; i < children_.size(); ++i) Apply(*children_[i], ChildEvent::kSpawnDue);
  UpdateState();
}

void Supervisor::Serve() {
  CHECK(state_ == State::kReady);
  state_ = State::kServing;
  start_timer_.Disarm();
  for (auto& child : children_) {
    if (child->state == ChildState::kServing) BeginServing(*child);
  }
}

// Decides by the table, then acts.
void Supervisor::Apply(Child& child, ChildEvent event) {
  const ChildDecision decision = DecideChild(child.state, event);
  if (decision.next != child.state) {
    LOG(DEBUG) << NameOf(child) << ": " << ChildStateName(child.state) << " -> "
               << ChildStateName(decision.next);
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
      Kill(child, child.state == ChildState::kEnding ? "it did not end in time"
                                                     : "it was not ready within startup_timeout");
      break;
    case ChildAction::kTellDrain:
      TellDrain(child);
      break;
  }
  if (child.state == ChildState::kServing || child.state == ChildState::kGone) child.timer.Disarm();
  if (event != ChildEvent::kReady || child.state != ChildState::kServing) return;
  if (state_ == State::kServing) BeginServing(child);
}

bool Supervisor::AssignSlot(Child& child) {
  if (!child.slot) child.slot = (child.is_worker() ? &worker_slots_ : services_.pool_slots)->Take();
  PublishPlaces();
  return child.slot.has_value();
}

void Supervisor::ReleaseSlot(Child& child) {
  if (!child.slot) return;
  board_->MutableSlot(*child.slot).state.store(ProcessState::kNone);
  (child.is_worker() ? &worker_slots_ : services_.pool_slots)->Give(*child.slot);
  child.slot.reset();
  PublishPlaces();
}

void Supervisor::PublishPlaces() {
  ScoreboardHeader& header = board_->MutableHeader();
  header.bays[generation_.place().bay].workers.store(worker_slots_.used());
  header.pool_slots_used.store(services_.pool_slots->used());
  header.worker_slots_ever.store(
      std::max(header.worker_slots_ever.load(),
               generation_.place().first_worker + worker_slots_.used()));
  header.pool_slots_ever.store(
      std::max(header.pool_slots_ever.load(), services_.pool_slots->used()));
}

void Supervisor::Spawn(Child& child) {
  if (!AssignSlot(child)) {
    // One that is leaving still has it.
    child.state = ChildState::kWaiting;
    return timers_->Arm(&child.timer, timers_->now() + kSlotRetry);
  }
  const absl::Duration wait = spawn_rate_.Take(timers_->now());
  absl::StatusOr<SpawnedProcess> process = absl::UnavailableError("");
  if (wait == absl::ZeroDuration()) {
    ProcessSlot& slot = board_->MutableSlot(*child.slot);
    child.incarnation = JobId::NextIncarnation(slot.incarnation.load());
    slot.incarnation.store(child.incarnation);
    slot.generation.store(generation_.number());
    slot.job.store(kSlotIdle);
    slot.role.store(child.role->role);
    slot.state.store(ProcessState::kStarting);
    process = SpawnProcess(*child.role, generation_, *child.slot, child.incarnation, board_,
                           *services_.settings);
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
  child.killed_because.clear();
  ProcessSlot& slot = board_->MutableSlot(*child.slot);
  slot.pid.store(child.pid);
  const Config& config = generation_.config();
  const RecyclePolicy recycling =
      child.is_worker() ? RecyclePolicy{0, config.workers.max_age, 0}
                        : RecyclePolicy{static_cast<uint64_t>(config.pool.max_jobs), config.pool.max_age,
                                        config.pool.max_memory};
  child.work_before = WorkOf(child);
  child.limits = LimitsFor(recycling, child.started, slot.jobs_done.load(),
                           static_cast<uint64_t>(child.pid));
  WatchFds(child);
  timers_->Arm(&child.timer, timers_->now() + config.master.startup_timeout);
  LOG(DEBUG) << NameOf(child) << " is pid " << child.pid;
}

void Supervisor::WatchFds(Child& child) {
  const uint32_t bay = generation_.place().bay;
  absl::Status watched =
      selector_->Register(child.pidfd.get(), kReadable, TokenFor(kPidfdKind, bay, child.id));
  if (watched.ok() && child.control.has_value()) {
    watched =
        selector_->Register(child.control->fd(), kReadable, TokenFor(kControlKind, bay, child.id));
  }
  CHECK(watched.ok()) << watched.ToString();
}

// It is ready, and the generation serves.
void Supervisor::BeginServing(Child& child) {
  board_->MutableSlot(*child.slot).state.store(ProcessState::kServing);
  if (child.is_worker()) {
    proto::Command command;
    command.mutable_serve();
    if (!Tell(child, command)) return;
    services_.owner->OnWorkerServing(this, &child);
  }
  if (child.quick_deaths > 0 || child.replaces != ChildId{}) {
    LOG(INFO) << NameOf(child) << " serves, pid " << child.pid;
  }
  if (child.replaces != ChildId{}) RetireReplaced(child);
}

void Supervisor::OnReady(SelectorToken token) {
  Child* const child = Find(ChildId{static_cast<uint32_t>(token.value)});
  if (child == nullptr || child->pid == 0) return;  // it went earlier in this batch
  if (token.value >> 56 == kPidfdKind) {
    OnExited(*child);
  } else {
    TakeReports(*child);
  }
  UpdateState();
}

void Supervisor::TakeReports(Child& child) {
  proto::Report report;
  for (int i = 0; i < kReportsPerTurn && child.control.has_value(); ++i) {
    switch (child.control->Receive(&report)) {
      case ControlChannel::Outcome::kEmpty:
        return;
      case ControlChannel::Outcome::kMalformed:
        continue;
      case ControlChannel::Outcome::kPeerGone:
        // Its pidfd tells the rest. A process that lives on without its channel cannot be
        // supervised; one that is leaving has its deadline.
        if (!child.leaving()) (void)PidfdSignal(child.pidfd.get(), SIGKILL);
        selector_->Unregister(child.control->fd());
        child.control.reset();
        return;
      case ControlChannel::Outcome::kMessage:
        HandleReport(child, report);
    }
  }
}

void Supervisor::HandleReport(Child& child, const proto::Report& report) {
  switch (report.what_case()) {
    case proto::Report::kReady:
      return Apply(child, ChildEvent::kReady);
    case proto::Report::kFailed:
      LOG(ERROR) << NameOf(child) << " cannot start: " << report.failed().why();
      if (state_ == State::kStarting && why_.empty()) why_ = report.failed().why();
      return;
    case proto::Report::kReplyDropped: {
      Child* const worker = FindWorker(SlotIndex{report.reply_dropped().worker_slot()},
                                       report.reply_dropped().incarnation());
      if (worker != nullptr) Kill(*worker, "it does not take its answers");
      return;
    }
    case proto::Report::kLogTaken:
    case proto::Report::kSurveyed:
    case proto::Report::kDropResult:
      return services_.owner->OnReport(this, &child, report);
    case proto::Report::WHAT_NOT_SET:
      return;
  }
}

void Supervisor::OnExited(Child& child) {
  if (child.control.has_value()) TakeReports(child);  // its last words
  const std::optional<ExitStatus> status = ReapPidfd(child.pidfd.get());
  if (!status) return;
  std::string cause = DescribeExit(*status);
  if (!child.killed_because.empty()) absl::StrAppend(&cause, ": ", child.killed_because);
  selector_->Unregister(child.pidfd.get());
  child.pidfd.Reset();
  if (child.control.has_value()) selector_->Unregister(child.control->fd());
  child.control.reset();
  const pid_t pid = std::exchange(child.pid, 0);
  const uint64_t held_job = board_->slot(*child.slot).job.load();
  const bool was_running = !child.is_worker() && held_job > kSlotReceiving;
  const bool asked_to = child.leaving() && status->exited && status->code == 0;
  if (!asked_to) NoteDeath(child, cause, pid, was_running ? held_job : 0);
  ClearSlot(child);
  if (!child.is_worker()) SettleJobs(held_job, cause);
  const bool lived_long = timers_->now() - child.started >= policy_.healthy_after;
  // In RECEIVING it may have had one: the doubt is the job's.
  if (held_job != kSlotIdle || lived_long) {
    child.quick_deaths = 0;
  } else {
    // One that has done something breaks the row, but is no reason for haste.
    const bool has_worked = WorkOf(child) > child.work_before;
    child.quick_deaths = has_worked ? 1 : child.quick_deaths + 1;
  }
  if (state_ == State::kStarting && !was_running && why_.empty()) {
    why_ = absl::StrCat("a ", child.role->name, " process ", cause, " before it was ready");
  }
  // Its successor takes its place a little earlier than was thought.
  if (Child* const successor = SuccessorOf(child); successor != nullptr) {
    successor->replaces = ChildId{};
    child.state = ChildState::kEnding;
  }
  Apply(child, ChildEvent::kExited);
}

void Supervisor::NoteDeath(const Child& child, const std::string& cause, pid_t pid, uint64_t job) {
  services_.deaths->Add({absl::Now(), child.role->name, NumberOf(child), pid, generation_.number(),
                         cause, job, timers_->now() - child.started});
  if (!deaths_log_.Allow(timers_->now())) return;
  LOG(WARNING) << NameOf(child) << " (pid " << pid << ") " << cause
               << (job != 0 ? " while running a job" : "") << deaths_log_.Swallowed();
}

uint64_t Supervisor::WorkOf(const Child& child) const {
  const ProcessSlot& slot = board_->slot(*child.slot);
  return child.is_worker() ? slot.requests.load() : slot.jobs_done.load();
}

void Supervisor::ClearSlot(const Child& child) {
  ProcessSlot& slot = board_->MutableSlot(*child.slot);
  slot.pid.store(0);
  slot.state.store(ProcessState::kNone);
  slot.job.store(kSlotIdle);
  slot.jobs_out.store(0);
  slot.jobs_queued.store(0);
  slot.connections.store(0);
  slot.payload_bytes.store(0);
}

// What a dead pool process had in its hands, as far as its slot says.
void Supervisor::SettleJobs(uint64_t held_job, const std::string& cause) {
  if (held_job == kSlotIdle) return;
  proto::Command command;
  if (held_job != kSlotReceiving) {
    const JobId id = JobId::FromWord(held_job);
    Child* const worker = FindWorker(id.slot(), id.incarnation());
    if (worker == nullptr) return;
    command.mutable_job_lost()->set_id(held_job);
    command.mutable_job_lost()->set_cause(cause);
    Tell(*worker, command);
    return;
  }
  // It may or may not have taken a job: whoever has sent one must find out.
  command.mutable_fence()->set_cause(cause);
  for (auto& child : children_) {
    if (child->is_worker() && child->control.has_value()) Tell(*child, command);
  }
}

Child* Supervisor::FindWorker(SlotIndex slot, uint32_t incarnation) {
  for (auto& child : children_) {
    if (!child->is_worker() || child->slot != slot || !child->control.has_value()) continue;
    return child->incarnation == incarnation ? child.get() : nullptr;
  }
  return nullptr;
}

Child* Supervisor::Find(ChildId id) {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [id](const auto& child) { return child->id == id; });
  return found == children_.end() ? nullptr : found->get();
}

bool Supervisor::Tell(Child& child, const google::protobuf::MessageLite& command,
                      absl::Span<const int> fds) {
  if (!child.control.has_value()) return false;
  const PacketOutcome outcome = child.control->Send(command, fds);
  // A worker that has left hundreds of commands unread is not coming back; its clients are better
  // off without it.
  if (outcome == PacketOutcome::kFull) Kill(child, "it does not read its control channel");
  return outcome == PacketOutcome::kDone;
}

void Supervisor::Reschedule(Child& child) {
  if (!generation_.can_repair()) {
    child.state = ChildState::kGone;
    return;
  }
  const absl::Duration delay = RestartDelay(child.quick_deaths, policy_);
  if (delay > absl::ZeroDuration()) {
    LOG(WARNING) << NameOf(child) << ": next try in " << delay << " after " << child.quick_deaths
                 << " quick death(s)";
  }
  timers_->Arm(&child.timer, timers_->now() + delay);
  if (delay == absl::ZeroDuration()) Apply(child, ChildEvent::kSpawnDue);
  if (child.quick_deaths == kFailedAfter && HasFailed(child.role->role)) {
    LOG(ERROR) << "FAILED: no " << child.role->name << " process can be started: trying on, slowly";
  }
}

bool Supervisor::HasFailed(Role role) const {
  int failed = 0;
  for (const auto& child : children_) {
    if (child->role->role != role || child->leaving()) continue;
    if (child->state == ChildState::kServing || child->quick_deaths < kFailedAfter) return false;
    ++failed;
  }
  return failed > 0;
}

void Supervisor::Kill(Child& child, absl::string_view why) {
  if (child.pid == 0) return;
  LOG(WARNING) << "killing " << NameOf(child) << " (pid " << child.pid << "): " << why;
  child.killed_because = std::string(why);  // written down before the signal
  (void)PidfdSignal(child.pidfd.get(), SIGKILL);  // gone already: its pidfd says so next
}

void Supervisor::TellDrain(Child& child) {
  const bool generation_ends = state_ == State::kDraining;
  Instant deadline = timers_->now() + generation_.config().master.drain_timeout;
  if (generation_ends) deadline = std::min(deadline, farewell_.deadline);
  child.moves = child.is_worker() && (generation_ends ? farewell_.moves : true);
  proto::Command command;
  command.mutable_drain()->set_deadline_ns(static_cast<uint64_t>(deadline.ns));
  command.mutable_drain()->set_move(child.moves);
  if (child.moves && !generation_ends) {
    for (size_t i = 0; i < generation_.listeners().size(); ++i) {
      command.mutable_drain()->add_kept(static_cast<uint32_t>(i));
    }
  }
  for (const uint32_t kept : farewell_.kept_listeners) command.mutable_drain()->add_kept(kept);
  timers_->Arm(&child.timer, deadline + kKillGrace);
  board_->MutableSlot(*child.slot).state.store(ProcessState::kDraining);
  if (Tell(child, command) && child.moves) services_.owner->OnWorkerLeaving(this, &child);
}

void Supervisor::Drain(Farewell farewell) {
  farewell.deadline = std::min(farewell_.deadline, farewell.deadline);
  farewell_ = std::move(farewell);
  state_ = State::kDraining;
  start_timer_.Disarm();
  generation_.listeners().Close();
  for (auto& child : children_) {
    if (child->is_worker()) Apply(*child, ChildEvent::kDrain);
  }
  UpdateState();
}

void Supervisor::KillAll() {
  for (auto& child : children_) {
    if (child->pid != 0) (void)PidfdSignal(child->pidfd.get(), SIGKILL);
  }
}

void Supervisor::Abort() {
  state_ = State::kDraining;
  start_timer_.Disarm();
  pool_told_ = true;
  generation_.listeners().Close();
  for (auto& child : children_) {
    child->killed_because = "its generation was given up";
    child->state = child->pid == 0 ? ChildState::kGone : ChildState::kEnding;
    child->timer.Disarm();
  }
  KillAll();
  UpdateState();
}

bool Supervisor::OnChildExited(pid_t pid) {
  const auto known = std::find_if(children_.begin(), children_.end(),
                                  [pid](const auto& child) { return child->pid == pid; });
  if (known == children_.end()) return false;
  OnExited(**known);
  UpdateState();
  return true;
}

void Supervisor::OnTimer(Timer* timer, Instant) {
  if (timer == &start_timer_ && state_ == State::kStarting && why_.empty()) {
    why_ = "not all processes were ready within startup_timeout";
  }
  for (size_t i = 0; i < children_.size(); ++i) {
    Child& child = *children_[i];
    if (&child.timer != timer) continue;
    Apply(child,
          child.state == ChildState::kWaiting ? ChildEvent::kSpawnDue : ChildEvent::kDeadline);
    if (state_ == State::kStarting && child.state == ChildState::kKilled && why_.empty()) {
      why_ = absl::StrCat("a ", child.role->name, " process was not ready within startup_timeout");
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
    if (serving && !child->is_worker()) ++pool_ready;
  }
  board_->MutableHeader().bays[generation_.place().bay].pool_ready.store(pool_ready);
  if (state_ == State::kStarting && all_ready) {
    state_ = State::kReady;
    why_.clear();
  }
  if (state_ == State::kStarting && !why_.empty()) state_ = State::kFailed;
  if (state_ == State::kDraining && !pool_told_ && !AnyLeft(Role::kWorker)) {
    pool_told_ = true;  // no worker needs it any more
    farewell_.deadline = std::min(farewell_.deadline, timers_->now());
    for (auto& child : children_) Apply(*child, ChildEvent::kDrain);
  }
  // Nothing refers to a child that is gone.
  for (auto& child : children_) {
    if (child->state == ChildState::kGone) ReleaseSlot(*child);
  }
  children_.erase(
      std::remove_if(children_.begin(), children_.end(),
                     [](const auto& child) { return child->state == ChildState::kGone; }),
      children_.end());
  if (state_ == State::kDraining && children_.empty()) state_ = State::kDone;
}

}  // namespace windlass
