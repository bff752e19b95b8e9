// The part of master/supervisor.h that deals with one process: making it, hearing it, burying it.
#include <signal.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/pools.h"
#include "common/posix.h"
#include "common/process_usage.h"
#include "master/supervisor.h"

namespace windlass {
namespace {

constexpr int kReportsPerTurn = 64;  // a child that floods its channel does not hold up the others
constexpr absl::Duration kSlotRetry = absl::Milliseconds(20);

SelectorToken TokenFor(uint64_t kind, uint32_t bay, ChildId child) {
  return SelectorToken{kind << 56 | uint64_t{bay} << 48 | child.value};
}

}  // namespace

// Of what there is one in a generation.
std::optional<SlotIndex> Supervisor::FixedSlot(const Child& child) const {
  if (child.is_zygote()) return board_->ZygoteSlot(generation_.place().bay, child.pool);
  if (child.is_admin()) return board_->AdminSlot(generation_.place().bay);
  return std::nullopt;
}

SlotPool* Supervisor::SlotsFor(const Child& child) {
  return child.is_worker() ? &worker_slots_ : services_.pool_slots;
}

bool Supervisor::AssignSlot(Child& child) {
  if (const std::optional<SlotIndex> fixed = FixedSlot(child); fixed) {
    child.slot = fixed;
    return true;
  }
  if (!child.slot) child.slot = SlotsFor(child)->Take();
  PublishPlaces();
  return child.slot.has_value();
}

void Supervisor::ReleaseSlot(Child& child) {
  if (!child.slot) return;
  board_->MutableSlot(*child.slot).state.store(ProcessState::kNone);
  if (!FixedSlot(child)) SlotsFor(child)->Give(*child.slot);
  child.slot.reset();
  PublishPlaces();
}

void Supervisor::PublishPlaces() {
  ScoreboardHeader& header = board_->MutableHeader();
  header.bays[generation_.place().bay].workers.store(worker_slots_.used());
  header.pool_slots_used.store(services_.pool_slots->used());
  header.worker_slots_ever.store(std::max(header.worker_slots_ever.load(),
                                          generation_.place().first_worker + worker_slots_.used()));
  header.pool_slots_ever.store(
      std::max(header.pool_slots_ever.load(), services_.pool_slots->used()));
}

void Supervisor::Spawn(Child& child) {
  if (child.is_pool() && Zygote(child.pool) == nullptr) {
    child.state = ChildState::kWaiting;  // until SpawnWaiting
    return;
  }
  if (!AssignSlot(child)) {
    // One that is leaving still has it.
    child.state = ChildState::kWaiting;
    return timers_->Arm(&child.timer, timers_->now() + kSlotRetry);
  }
  // A pool whose processes die all the time leaves the others' and the workers' alone.
  SpawnRate& rate = child.is_pool() ? spawn_rates_[child.pool] : spawn_rates_.back();
  const absl::Duration wait = rate.Take(timers_->now());
  absl::Status spawned = absl::UnavailableError("too many a second");
  if (wait == absl::ZeroDuration()) {
    ProcessSlot& slot = board_->MutableSlot(*child.slot);
    child.incarnation = JobId::NextIncarnation(slot.incarnation.load());
    slot.incarnation.store(child.incarnation);
    slot.generation.store(generation_.number());
    if (child.is_pool()) {
      SlotAssignment& assignment = board_->MutableAssignment(*child.slot);
      assignment.generation.store(generation_.number());
      assignment.pool.store(child.pool);
      assignment.pool_key.store(PoolKey(generation_.config().pools[child.pool].name));
    }
    slot.job.store(kSlotIdle);
    slot.role.store(child.role->role);
    slot.state.store(ProcessState::kStarting);
    spawned = child.is_pool() ? SpawnCloned(child) : SpawnForked(child);
    if (!spawned.ok()) {
      LOG_LIMITED(ERROR, spawn_log_, timers_->now())
          << "cannot make a " << child.role->name << ": " << spawned.ToString();
    }
  }
  if (spawned.ok()) return;
  child.state = ChildState::kWaiting;
  const absl::Duration delay =
      wait > absl::ZeroDuration() ? wait : RestartDelay(++child.quick_deaths, policy_);
  timers_->Arm(&child.timer, timers_->now() + delay);
}

absl::Status Supervisor::SpawnForked(Child& child) {
  absl::StatusOr<SpawnedProcess> process =
      SpawnProcess(*child.role, generation_, child.pool, *child.slot, child.incarnation, board_,
                   *services_.settings);
  if (!process.ok()) return process.status();
  child.control.emplace(std::move(process->control));
  child.output = std::move(process->output);
  BeginLife(child);
  Watch(child, process->pid, std::move(process->pidfd));
  return absl::OkStatus();
}

// From here on it must become ready in time.
void Supervisor::BeginLife(Child& child) {
  if (child.started.ns != 0) services_.counts->OnRestart();
  child.started = timers_->now();
  child.ends_by = EndCause::kUnknown;
  child.killed_because.clear();
  child.cannot_start.clear();
  child.no_stack.clear();
  child.ladder = KillLadder();
  child.sample = {};
  child.work_before = WorkOf(child);
  const ProcessSlot& slot = board_->slot(*child.slot);
  child.stacks_before = slot.stack.taken.load();
  child.calls_before = slot.forbidden.taken.load();
  child.blocked = {};
  child.cpus.clear();
  child.is_spent = false;
  child.sandbox.Reset();
  child.counts_before = {slot.jobs_done.load(), slot.jobs_expired.load(),
                         slot.replies_dropped.load()};
  timers_->Arm(&child.timer, child.started + generation_.config().master.startup_timeout);
}

void Supervisor::Watch(Child& child, pid_t pid, OwnedFd pidfd) {
  child.pid = pid;
  child.pidfd = std::move(pidfd);
  board_->MutableSlot(*child.slot).pid.store(child.pid);
  child.limits = LimitsOf(child);
  WatchFds(child);
  LOG(DEBUG) << NameOf(child) << " is pid " << child.pid;
}

RecycleLimits Supervisor::LimitsOf(const Child& child) const {
  const Config& config = generation_.config();
  const PoolConfig& pool = config.pools[child.pool];
  const RecyclePolicy recycling =
      child.is_worker()
          ? RecyclePolicy{0, config.workers.max_age, 0}
          : RecyclePolicy{static_cast<uint64_t>(pool.max_jobs), pool.max_age, pool.max_memory};
  return LimitsFor(recycling, child.started, child.work_before, static_cast<uint64_t>(child.pid));
}

void Supervisor::WatchFds(Child& child) {
  const uint32_t bay = generation_.place().bay;
  absl::Status watched =
      selector_->Register(child.pidfd.get(), kReadable, TokenFor(kPidfdKind, bay, child.id));
  if (watched.ok() && child.control.has_value()) {
    watched =
        selector_->Register(child.control->fd(), kReadable, TokenFor(kControlKind, bay, child.id));
  }
  if (watched.ok()) return;
  // Who is not watched cannot be supervised. If it is the end that would not be seen, SIGCHLD
  // tells.
  Kill(child, EndCause::kStartup, absl::StrCat("it cannot be watched: ", watched.message()));
}

void Supervisor::Unwatch(int fd) {
  if (selector_->Find(fd) != nullptr) selector_->Unregister(fd);
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
        Unwatch(child.control->fd());
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
      if (child.state != ChildState::kStarting) return;  // a process that runs what others want
      LOG(ERROR) << NameOf(child) << " cannot start: " << report.failed().why();
      child.cannot_start = report.failed().why();
      if (state_ == State::kStarting && child.is_needed() && why_.empty()) {
        why_ = report.failed().why();
      }
      return;
    case proto::Report::kReplyDropped: {
      if (!child.is_pool()) return;
      Child* const worker = FindWorker(SlotIndex{report.reply_dropped().worker_slot()},
                                       report.reply_dropped().incarnation());
      if (worker != nullptr) worker->blocked.Note(child.pool);
      return;
    }
    case proto::Report::kCloned:
      if (child.is_zygote()) OnCloned(child, report.cloned());
      return;
    case proto::Report::kSymbolized:
      if (child.is_zygote()) stack_names_.OnNamed(report.symbolized());
      return;
    case proto::Report::kCrashed:
      if (child.is_worker()) services_.owner->OnReport(this, &child, report);
      return;
    case proto::Report::kAsk:
      if (child.is_admin() && !child.control->fds().empty()) {
        services_.owner->OnAsk(report.ask(), std::move(child.control->fds()[0]));
      }
      return;
    case proto::Report::kSpent:
      if (child.is_pool() && child.state == ChildState::kServing) {
        child.is_spent = true;
        child.ends_by = EndCause::kMemoryLimit;
        Apply(child, ChildEvent::kDrain);
        if (generation_.can_repair()) ResizeGroup({Role::kPool, child.pool});
      }
      return;
    case proto::Report::kSandboxed:
      return WatchSandbox(child);
    case proto::Report::kLogTaken:
    case proto::Report::kSurveyed:
    case proto::Report::kDropResult:
      return services_.owner->OnReport(this, &child, report);
    case proto::Report::WHAT_NOT_SET:
      return;
  }
}

void Supervisor::OnExited(Child& child) {
  if (child.control.has_value()) TakeReports(child);               // its last words
  const std::optional<absl::Duration> cpu = CpuTimeOf(child.pid);  // while it can be asked for
  const std::optional<ExitStatus> status = ReapPidfd(child.pidfd.get());
  if (!status) return;
  services_.counts->OnGone(child.role->role, cpu.value_or(absl::ZeroDuration()));
  Unwatch(child.pidfd.get());
  child.pidfd.Reset();
  if (child.control.has_value()) Unwatch(child.control->fd());
  child.control.reset();
  if (child.sandbox.valid()) Unwatch(child.sandbox.get());
  child.sandbox.Reset();
  const pid_t pid = std::exchange(child.pid, 0);
  Death death = CertificateFor(child, pid, *status);
  const ProcessSlot& slot = board_->slot(*child.slot);
  HeldJob held = {slot.job.load(), slot.job_handler.load(), {}};
  held.blame = BlameFor({*status, !child.killed_because.empty(),
                         death.cause == EndCause::kCgroupOom, held.handler != 0});
  const bool was_running = child.is_pool() && held.id > kSlotReceiving;
  std::vector<uint64_t> stack = LastStackOf(child, *status);
  const pid_t zygote = child.zygote;
  LogLastOutput(child, pid, was_running ? held.id : 0);
  ClearSlot(child);
  if (child.is_zygote()) LoseClones(child.pool);
  if (child.is_pool()) SettleJobs(held, child.pool, death.text);
  const bool lived_long = timers_->now() - child.started >= policy_.healthy_after;
  // In RECEIVING it may have had one: the doubt is the job's.
  if (held.id != kSlotIdle || lived_long) {
    child.quick_deaths = 0;
  } else {
    // One that has done something breaks the row, but is no reason for haste.
    const bool has_worked = WorkOf(child) > child.work_before;
    child.quick_deaths = has_worked ? 1 : child.quick_deaths + 1;
  }
  if (state_ == State::kStarting && child.is_needed() && !was_running && why_.empty()) {
    why_ = absl::StrCat("a ", child.role->name, " process ", death.text, " before it was ready",
                        WhileLoading(child));
  }
  // Its successor takes its place a little earlier than was thought.
  if (Child* const successor = SuccessorOf(child); successor != nullptr) {
    successor->replaces = ChildId{};
    child.state = ChildState::kEnding;
  }
  Apply(child, ChildEvent::kExited);
  if (child.is_worker()) DealCpus();
  // After its successor was asked for, which matters more.
  Child* const namer = Zygote(child.pool);
  Publish(std::move(death), std::move(stack),
          namer != nullptr && namer->pid == zygote ? &*namer->control : nullptr);
}

// What it printed in its last job, or while it was starting.
void Supervisor::LogLastOutput(Child& child, pid_t pid, uint64_t job) {
  const OwnedFd output = std::move(child.output);
  if (!output.valid()) return;
  const std::string whose =
      absl::StrCat(NameOf(child), " (pid ", pid, "), which has ended", job == 0 ? "" : " in ",
                   job == 0 ? "" : DescribeJob(child, job));
  LogPrinted(whose, ReadCapturedOutput(output.get()), &output_log_, timers_->now());
}

// Counters live on in the successor, so nonsense that a process has written there before it died
// would be there for ever.
void Supervisor::RepairCounts(const Child& child, ProcessSlot* slot) const {
  // No process has done a job a microsecond.
  const auto most =
      static_cast<uint64_t>(absl::ToInt64Microseconds(timers_->now() - child.started));
  const auto repair = [most](Word<uint64_t>* counter, uint64_t before) {
    const uint64_t now = counter->load();
    if (now < before || now - before > most + 1000) counter->store(before);
  };
  repair(&slot->jobs_done, child.counts_before.done);
  repair(&slot->jobs_expired, child.counts_before.expired);
  repair(&slot->replies_dropped, child.counts_before.dropped);
}

uint64_t Supervisor::WorkOf(const Child& child) const {
  const ProcessSlot& slot = board_->slot(*child.slot);
  return child.is_pool() || child.is_zygote() ? slot.jobs_done.load() : slot.requests.load();
}

void Supervisor::ClearSlot(const Child& child) {
  ProcessSlot& slot = board_->MutableSlot(*child.slot);
  slot.pid.store(0);
  slot.state.store(ProcessState::kNone);
  slot.job.store(kSlotIdle);
  slot.job_handler.store(0);
  if (child.is_pool()) RepairCounts(child, &slot);
  if (child.is_worker()) board_->ClearPeerCounts(*child.slot);
  for (PoolLoad& load : slot.load) {
    load.jobs_out.store(0);
    load.jobs_queued.store(0);
    load.lanes_queued.store(0);
    load.next_since_ns.store(0);
    load.queued_since_ns.store(0);
    load.payload_bytes.store(0);
  }
  slot.connections.store(0);
  slot.payload_bytes.store(0);
}

Child* Supervisor::FindWorker(SlotIndex slot, uint32_t incarnation) {
  for (auto& child : children_) {
    if (!child->is_worker() || child->slot != slot || !child->control.has_value()) continue;
    return child->incarnation == incarnation ? child.get() : nullptr;
  }
  return nullptr;
}

bool Supervisor::Tell(Child& child, const google::protobuf::MessageLite& command,
                      absl::Span<const int> fds) {
  if (!child.control.has_value()) return false;
  const PacketOutcome outcome = child.control->Send(command, fds);
  // A worker that has left hundreds of commands unread is not coming back; its clients are better
  // off without it.
  if (outcome == PacketOutcome::kFull) {
    Kill(child, EndCause::kUnresponsive, "it does not read its control channel");
  }
  return outcome == PacketOutcome::kDone;
}

void Supervisor::Kill(Child& child, EndCause cause, absl::string_view why) {
  if (child.pid == 0) {
    // The zygote does not make it: then another one shall.
    if (Child* const zygote = Zygote(child.pool); child.is_cloning && zygote != nullptr) {
      Kill(*zygote, EndCause::kUnresponsive, "it does not make processes");
    }
    return;
  }
  LOG_LIMITED(WARNING, kill_log_, timers_->now())
      << "killing " << NameOf(child) << " (pid " << child.pid << "): " << why;
  child.ends_by = cause;  // written down before the signal
  child.killed_because = std::string(why);
  (void)PidfdSignal(child.pidfd.get(), SIGKILL);  // gone already: its pidfd says so next
}

}  // namespace windlass
