// The part of master/supervisor.h that deals with one process: making it, hearing it, burying it.
#include <signal.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/posix.h"
#include "master/supervisor.h"

namespace windlass {
namespace {

constexpr int kReportsPerTurn = 64;  // a child that floods its channel does not hold up the others
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
  header.worker_slots_ever.store(std::max(header.worker_slots_ever.load(),
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
  child.output = std::move(process.output);
  child.started = timers_->now();
  child.killed_because.clear();
  ProcessSlot& slot = board_->MutableSlot(*child.slot);
  slot.pid.store(child.pid);
  const Config& config = generation_.config();
  child.work_before = WorkOf(child);
  child.limits = LimitsOf(child);
  WatchFds(child);
  timers_->Arm(&child.timer, timers_->now() + config.master.startup_timeout);
  LOG(DEBUG) << NameOf(child) << " is pid " << child.pid;
}

RecycleLimits Supervisor::LimitsOf(const Child& child) const {
  const Config& config = generation_.config();
  const RecyclePolicy recycling = child.is_worker()
                                      ? RecyclePolicy{0, config.workers.max_age, 0}
                                      : RecyclePolicy{static_cast<uint64_t>(config.pool.max_jobs),
                                                      config.pool.max_age, config.pool.max_memory};
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
  CHECK(watched.ok()) << watched.ToString();
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
  const std::string cause = CauseOf(child, *status);
  selector_->Unregister(child.pidfd.get());
  child.pidfd.Reset();
  if (child.control.has_value()) selector_->Unregister(child.control->fd());
  child.control.reset();
  const pid_t pid = std::exchange(child.pid, 0);
  const uint64_t held_job = board_->slot(*child.slot).job.load();
  const bool was_running = !child.is_worker() && held_job > kSlotReceiving;
  const bool asked_to =
      (child.leaving() && status->exited && status->code == 0) || child.killed_because == kGivenUp;
  if (!asked_to) NoteDeath(child, cause, pid, was_running ? held_job : 0);
  LogLastOutput(child, pid, was_running ? held_job : 0);
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

// With the reason, if it is known.
std::string Supervisor::CauseOf(const Child& child, const ExitStatus& status) {
  const std::string how = DescribeExit(status);
  if (!child.killed_because.empty()) return absl::StrCat(how, ": ", child.killed_because);
  if (status.exited || status.code != SIGKILL) return how;
  const std::optional<std::string> cgroup = services_.oom->Explain();
  return cgroup ? absl::StrCat(how, ": out of memory in cgroup ", *cgroup) : how;
}

// "job 17 of search". Trusts neither number.
std::string Supervisor::DescribeJob(const Child& child, uint64_t job) const {
  const std::vector<HandlerConfig>& handlers = generation_.config().handlers;
  const uint32_t handler = board_->slot(*child.slot).job_handler.load();
  const bool is_known = handler > 0 && handler <= handlers.size();
  return absl::StrCat("job ", job, is_known ? " of " : "",
                      is_known ? handlers[handler - 1].name : "");
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

void Supervisor::NoteDeath(const Child& child, const std::string& cause, pid_t pid, uint64_t job) {
  services_.deaths->Add({absl::Now(), child.role->name, NumberOf(child), pid, generation_.number(),
                         cause, job, timers_->now() - child.started});
  if (!deaths_log_.Allow(timers_->now())) return;
  LOG(WARNING) << NameOf(child) << " (pid " << pid << ") " << cause
               << (job != 0 ? " while running " : "") << (job != 0 ? DescribeJob(child, job) : "")
               << deaths_log_.Swallowed();
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
  slot.job_handler.store(0);
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

bool Supervisor::Tell(Child& child, const google::protobuf::MessageLite& command,
                      absl::Span<const int> fds) {
  if (!child.control.has_value()) return false;
  const PacketOutcome outcome = child.control->Send(command, fds);
  // A worker that has left hundreds of commands unread is not coming back; its clients are better
  // off without it.
  if (outcome == PacketOutcome::kFull) Kill(child, "it does not read its control channel");
  return outcome == PacketOutcome::kDone;
}

void Supervisor::Kill(Child& child, absl::string_view why) {
  if (child.pid == 0) return;
  LOG(WARNING) << "killing " << NameOf(child) << " (pid " << child.pid << "): " << why;
  child.killed_because = std::string(why);        // written down before the signal
  (void)PidfdSignal(child.pidfd.get(), SIGKILL);  // gone already: its pidfd says so next
}

}  // namespace windlass
