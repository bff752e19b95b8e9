#include "master/service.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config_check.h"
#include "common/config_diff.h"
#include "common/config_keys.h"
#include "common/log.h"
#include "common/log_file.h"
#include "common/metrics_board.h"
#include "common/posix.h"

namespace windlass {
namespace {

// How often jobs are looked at, and processes that may have to be recycled.
constexpr absl::Duration kTick = absl::Milliseconds(100);

LogLevel LevelOf(const Config& config) {
  LogLevel level = LogLevel::INFO;
  ParseLogLevel(config.log.level, &level);
  return level;
}

// "job 17 in pool-2 (pid 23)", "worker-3 (pid 17), 2 connections": what a draining generation waits
// for.
std::string WhatHolds(const Supervisor& supervisor, const Scoreboard& board) {
  for (const auto& child : supervisor.children()) {
    if (child->is_worker() || !child->slot || child->pid == 0) continue;
    const uint64_t job = board.slot(*child->slot).job.load();
    if (job <= kSlotReceiving) continue;
    return absl::StrCat("job ", job, " in ", supervisor.NameOf(*child), " (pid ", child->pid, ")");
  }
  for (const auto& child : supervisor.children()) {
    if (!child->is_worker() || !child->slot || child->pid == 0) continue;
    const ProcessSlot& slot = board.slot(*child->slot);
    uint64_t jobs = 0;
    for (const PoolLoad& load : slot.load) jobs += load.jobs_out.load() + load.jobs_queued.load();
    return absl::StrCat(supervisor.NameOf(*child), " (pid ", child->pid, "), ",
                        slot.connections.load(), " connections, ", jobs, " jobs");
  }
  return "its processes";
}

}  // namespace

Service::Service(ConfigSources sources, const SupervisorServices& services,
                 const PassedSockets* passed)
    : sources_(std::move(sources)),
      services_([&] {
        SupervisorServices mine = services;
        mine.owner = this;
        return mine;
      }()),
      passed_(passed),
      started_(services.timers->now()),
      tick_(this) {}

absl::Status Service::Start(Config config) {
  absl::StatusOr<std::unique_ptr<Supervisor>> made = MakeGeneration(std::move(config));
  if (!made.ok()) return made.status();
  current_ = *std::move(made);
  phase_deadline_ =
      services_.timers->now() + current_->generation().config().master.startup_timeout;
  AnnounceAdmin(*current_, nullptr);
  current_->Start(/*answers_early=*/true);
  services_.timers->Arm(&tick_, services_.timers->now() + kTick);
  return absl::OkStatus();
}

// A vacant bay, and room for its workers' slots.
absl::StatusOr<GenerationPlace> Service::FindPlace(const Config& config) const {
  GenerationPlace place;
  const ScoreboardHeader& header = services_.board->header();
  while (place.bay < ScoreboardHeader::kBays && header.bays[place.bay].generation.load() != 0) {
    ++place.bay;
  }
  if (place.bay == ScoreboardHeader::kBays) {
    return absl::ResourceExhaustedError("there are too many generations");
  }
  std::vector<const Generation*> others;
  for (const Supervisor* other : supervisors()) others.push_back(&other->generation());
  std::sort(others.begin(), others.end(), [](const Generation* a, const Generation* b) {
    return a->place().first_worker < b->place().first_worker;
  });
  for (const Generation* other : others) {
    if (place.first_worker + WorkerSlotsFor(config) <= other->place().first_worker) break;
    place.first_worker = other->place().first_worker + other->worker_slots();
  }
  if (place.first_worker + WorkerSlotsFor(config) > services_.board->worker_slots()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no room for workers.max = ", config.workers.max,
                     " beside the generations that there are"));
  }
  return place;
}

absl::StatusOr<std::unique_ptr<Supervisor>> Service::MakeGeneration(Config config) {
  const absl::StatusOr<GenerationPlace> place = FindPlace(config);
  if (!place.ok()) return place.status();
  const Generation* const former = current_ == nullptr ? nullptr : &current_->generation();
  absl::StatusOr<Generation> generation =
      Generation::Create(last_generation_ + 1, std::move(config), *place, former, *passed_);
  if (!generation.ok()) return generation.status();
  const auto room = static_cast<int>(services_.pool_slots->available());
  generation->Override(kept_);
  if (current_ != nullptr) generation->Override(ScaledSizes(*generation, room));
  // Before there is a process that counts by them.
  MetricsNames& names = services_.board->MutableNames();
  for (const ListenSocket& socket : generation->listeners().sockets()) {
    names.AddListener(socket.address);
  }
  for (const HandlerConfig& handler : generation->config().handlers) names.AddHandler(handler.name);
  if (const int pool = generation->sizing().pool_processes(); pool > room) {
    return absl::ResourceExhaustedError(
        absl::StrCat(pool, " pool processes are wanted, but master.max_",
                     "processes leaves room for ", room, " beside those that run"));
  }
  ++last_generation_;
  return std::make_unique<Supervisor>(*std::move(generation), services_);
}

uint64_t Service::Reload() {
  if (state_ != State::kServing) return reload_;
  reload_due_ = true;
  return reload_ + 1;
}

absl::Status Service::CheckConfig() const {
  const absl::StatusOr<Config> config = LoadConfig(sources_);
  if (!config.ok()) return config.status();
  const std::vector<std::string> fixed =
      UnchangeableKeysThatDiffer(current_->generation().config(), *config);
  if (fixed.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(absl::StrJoin(fixed, ", "), " cannot change without a restart"));
}

void Service::BeginReload() {
  reload_due_ = false;
  waits_for_.clear();
  ++reload_;
  LOG(DEBUG) << "reload " << reload_ << " begins";
  absl::StatusOr<Config> config = LoadConfig(sources_);
  if (!config.ok()) return EndReload(false, std::string(config.status().message()));
  const std::vector<std::string> fixed =
      UnchangeableKeysThatDiffer(current_->generation().config(), *config);
  if (!fixed.empty()) {
    return EndReload(false,
                     absl::StrCat(absl::StrJoin(fixed, ", "), " cannot change without a restart"));
  }
  absl::StatusOr<std::unique_ptr<Supervisor>> made = MakeGeneration(*std::move(config));
  if (!made.ok()) return EndReload(false, std::string(made.status().message()));
  const std::string& log = (*made)->generation().config().log.file;
  next_log_.Reset();
  if (log != current_->generation().config().log.file) {
    absl::StatusOr<OwnedFd> file = log.empty() ? Duplicate(2) : OpenLogFile(log);
    if (!file.ok()) return EndReload(false, std::string(file.status().message()));
    next_log_ = *std::move(file);
  }
  next_ = *std::move(made);
  Progress(absl::StrCat("generation ", next_->generation().number(), ": starting ",
                        next_->generation().sizing().workers, " workers and ",
                        next_->generation().sizing().pool_processes(), " pool processes"));
  phase_deadline_ = services_.timers->now() + next_->generation().config().master.startup_timeout;
  next_->Start(/*answers_early=*/false);
}

// Everything is ready: nothing is left that could fail.
void Service::Commit() {
  Farewell farewell;
  farewell.deadline =
      services_.timers->now() + current_->generation().config().master.drain_timeout;
  farewell.moves = true;
  farewell.kept_listeners = current_->listeners().HandOverTo(&next_->listeners());
  farewell.kept_admin = current_->admin_listeners().HandOverTo(&next_->admin_listeners());
  former_.push_back(std::move(current_));
  current_ = std::move(next_);
  ForgetKeptPools();
  if (next_log_.valid()) SwitchLog();
  SwitchLogFormat();
  if (!services_.settings->log_level) SetLogLevel(LevelOf(current_->generation().config()));
  current_->Serve();
  Supervisor& old = *former_.back();
  AnnounceAdmin(*current_, &old);
  Announce(*current_, &old);
  ReportProcesses(*current_, "serves");
  ReportProcesses(old, "gives its clients away");
  const uint32_t was = old.generation().number();
  old.Drain(std::move(farewell));
  EndReload(true, absl::StrCat("generation ", current_->generation().number(),
                               " serves, generation ", was, " ends"));
}

void Service::SwitchLog() {
  const std::string& file = current_->generation().config().log.file;
  LOG(NOTICE) << "the log goes on at " << (file.empty() ? "standard error" : file);
  SetLogFd(std::move(next_log_));
  const int log = LogFd();
  proto::Command command;
  command.mutable_log_to();
  for (Supervisor* supervisor : supervisors()) {
    for (const auto& child : supervisor->children()) {
      supervisor->Tell(*child, command, absl::MakeConstSpan(&log, 1));
    }
  }
}

// Of all processes at once, because their lines may go to the same file.
void Service::SwitchLogFormat() {
  const Config& now = current_->generation().config();
  if (now.log.format == former_.back()->generation().config().log.format) return;
  LogFormat format = LogFormat::kText;
  if (ParseLogFormat(now.log.format, &format)) SetLogFormat(format);
  proto::Command command;
  command.mutable_log_format()->set_format(now.log.format);
  for (Supervisor* supervisor : supervisors()) {
    for (const auto& child : supervisor->children()) supervisor->Tell(*child, command);
  }
}

void Service::GiveUp(const std::string& why) {
  ReportProcesses(*next_, "is ended");
  next_->Abort();
  former_.push_back(std::move(next_));
  EndReload(false, absl::StrCat(why, "; generation ", current_->generation().number(),
                                " serves on, untouched"));
}

void Service::EndReload(bool ok, const std::string& message) {
  last_reload_ = ReloadResult{absl::Now(), ok, message};
  services_.counts->OnReloadEnded(*last_reload_);
  if (observer_ != nullptr) observer_->OnReloadEnded(reload_, *last_reload_);
}

void Service::Progress(const std::string& line) {
  LOG(DEBUG) << "reload " << reload_ << ": " << line;
  if (observer_ != nullptr) observer_->OnReloadProgress(reload_, line);
}

void Service::ReportProcesses(const Supervisor& supervisor, absl::string_view what) {
  for (const auto& child : supervisor.children()) {
    if (child->pid == 0) continue;
    std::string line = absl::StrCat("generation ", supervisor.generation().number(), ": ",
                                    supervisor.NameOf(*child), " (pid ", child->pid, ") ");
    if (child->is_worker() || what != "gives its clients away") {
      absl::StrAppend(&line, what);
    } else if (child->is_admin()) {
      absl::StrAppend(&line, "finishes its answers");
    } else {
      absl::StrAppend(&line, "finishes the jobs of its generation");
    }
    Progress(line);
  }
}

// Before the server serves: its start can be watched there.
void Service::AnnounceAdmin(const Supervisor& supervisor, const Supervisor* before) const {
  for (const ListenSocket& socket : supervisor.admin_bound()) {
    const bool is_known =
        before != nullptr &&
        std::any_of(before->admin_bound().begin(), before->admin_bound().end(),
                    [&](const ListenSocket& other) { return other.address == socket.address; });
    if (!is_known) LOG(NOTICE) << "admin address=" << socket.address;
  }
}

void Service::Announce(const Supervisor& supervisor, const Supervisor* before) const {
  const auto lines = [](const Generation& generation) {
    std::vector<std::string> all;
    for (const ListenSocket& socket : generation.listeners().sockets()) {
      const Protocol protocol = generation.config().listeners[socket.listener].protocol;
      all.push_back(absl::StrCat("protocol=", ProtocolName(protocol), " address=", socket.address));
    }
    return all;
  };
  const Generation& generation = supervisor.generation();
  const std::vector<std::string> old =
      before == nullptr ? std::vector<std::string>() : lines(before->generation());
  for (const std::string& line : lines(generation)) {
    if (std::find(old.begin(), old.end(), line) == old.end()) LOG(NOTICE) << "listening " << line;
  }
  LOG(INFO) << "serving: " << generation.sizing().workers << " workers, "
            << generation.sizing().pool_processes() << " pool processes";
  for (const std::string& doubt : DoubtfulSettings(generation.config())) LOG(WARNING) << doubt;
  WarnOfSmallShares(generation);
  WarnOfUnusedSockets();
}

// Whoever connects there waits for ever.
void Service::WarnOfUnusedSockets() const {
  std::vector<ListenSocket> bound = current_->bound();
  bound.insert(bound.end(), current_->admin_bound().begin(), current_->admin_bound().end());
  for (const PassedSocket& socket : passed_->all()) {
    const bool used = std::any_of(bound.begin(), bound.end(), [&](const ListenSocket& listener) {
      return listener.address == socket.address;
    });
    if (used) continue;
    LOG(WARNING) << "no listener uses socket '" << socket.name << "' (" << socket.address
                 << ") that systemd passed";
  }
}

std::vector<Supervisor*> Service::supervisors() const {
  std::vector<Supervisor*> all;
  for (const auto& former : former_) all.push_back(former.get());
  if (current_ != nullptr) all.push_back(current_.get());
  if (next_ != nullptr) all.push_back(next_.get());
  return all;
}

void Service::Stop(Instant deadline) {
  state_ = State::kStopping;
  phase_deadline_ = deadline;
  if (next_ != nullptr) GiveUp("the server stops");
  if (std::exchange(reload_due_, false)) {
    ++reload_;
    EndReload(false, "the server stops");
  }
  Farewell farewell;
  farewell.deadline = deadline;
  for (Supervisor* supervisor : supervisors()) {
    farewell.kept_listeners = supervisor->listeners().passed();
    farewell.kept_admin = supervisor->admin_listeners().passed();
    supervisor->Drain(farewell);
  }
}

void Service::KillAll() {
  for (Supervisor* supervisor : supervisors()) supervisor->KillAll();
}

void Service::OnReady(SelectorToken token) {
  for (Supervisor* supervisor : supervisors()) {
    if (!supervisor->Owns(token)) continue;
    supervisor->OnReady(token);
    break;
  }
}

void Service::OnTimer(Timer*, Instant now) {
  for (Supervisor* supervisor : supervisors()) supervisor->EnforceDeadlines(now);
  const bool is_second = now >= second_ + absl::Seconds(1);
  if (is_second) {
    second_ = now;
    LogLimit::TellSwallowed(now);
    services_.oom->ForgetOld(now);
    services_.quarantine->Expire(now);
  }
  if (state_ == State::kServing && next_ == nullptr) {
    current_->ScalePools(now);
    current_->Recycle(now);
    if (is_second) EvenOut();
  }
  services_.timers->Arm(&tick_, now + kTick);
}

void Service::Settle() {
  former_.erase(std::remove_if(former_.begin(), former_.end(),
                               [](const auto& supervisor) {
                                 return supervisor->state() == Supervisor::State::kDone;
                               }),
                former_.end());
  if (state_ == State::kStarting) {
    if (current_->state() == Supervisor::State::kReady) {
      current_->Serve();
      state_ = State::kServing;
      Announce(*current_, nullptr);
    } else if (current_->state() == Supervisor::State::kFailed) {
      state_ = State::kFailed;
      why_ = current_->why();
    }
  }
  SettleReload();
  if (state_ == State::kServing) LinkLeaving();
  TellQuarantine();
  if (state_ == State::kStopping && former_.empty() &&
      current_->state() == Supervisor::State::kDone) {
    state_ = State::kDone;
  }
}

void Service::SettleReload() {
  if (next_ != nullptr) {
    if (next_->state() == Supervisor::State::kReady) {
      Commit();
    } else if (next_->state() == Supervisor::State::kFailed) {
      GiveUp(next_->why());
    }
  }
  if (state_ != State::kServing || !reload_due_ || next_ != nullptr) return;
  const int most = current_->generation().config().master.max_generations;
  if (static_cast<int>(former_.size()) + 1 < most) return BeginReload();
  const bool is_news = waits_for_.empty();
  waits_for_ = absl::StrCat("generation ", former_.front()->generation().number(), ": ",
                            WhatHolds(*former_.front(), *services_.board));
  if (!is_news) return;
  LOG(WARNING) << "a reload waits for " << waits_for_;
  if (observer_ != nullptr) {
    observer_->OnReloadProgress(reload_ + 1, absl::StrCat("waits for ", waits_for_));
  }
}

void Service::OnReport(Supervisor* supervisor, Child* child, const proto::Report& report) {
  if (report.has_crashed()) return TakeCrash(*supervisor, report.crashed());
  if (observer_ != nullptr) observer_->OnReport(*supervisor, *child, report);
}

void Service::OnAsk(const proto::Report::Ask& ask, OwnedFd socket) {
  if (observer_ != nullptr) observer_->OnAsk(ask, std::move(socket));
}

}  // namespace windlass
