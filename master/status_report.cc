#include "master/status_report.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/config_keys.h"
#include "common/metrics_board.h"
#include "common/pools.h"
#include "common/posix.h"
#include "common/process_usage.h"
#include "master/deaths_report.h"
#include "master/pool_activity.h"

namespace windlass {
namespace {

int64_t MsBetween(Instant earlier, Instant later) {
  return earlier.ns == 0 ? 0 : std::max<int64_t>(0, (later.ns - earlier.ns) / 1'000'000);
}

void Set(std::string* field, absl::string_view text) { field->assign(text.data(), text.size()); }

// Of the whole service; a generation has its own.
absl::string_view StateName(const Service& service) {
  switch (service.state()) {
    case Service::State::kStarting:
      return "starting";
    case Service::State::kStopping:
      return "draining";
    case Service::State::kDone:
    case Service::State::kFailed:
      return "ending";
    case Service::State::kServing:
      break;
  }
  const Supervisor& current = service.current();
  if (current.HasFailed(Role::kWorker) || current.HasFailed(Role::kPool)) return "degraded";
  return service.is_reloading() ? "reloading" : "serving";
}

absl::string_view StateName(Supervisor::State state) {
  switch (state) {
    case Supervisor::State::kStarting:
    case Supervisor::State::kReady:
      return "starting";
    case Supervisor::State::kServing:
      return "serving";
    case Supervisor::State::kDraining:
    case Supervisor::State::kDone:
      return "draining";
    case Supervisor::State::kFailed:
      return "failed";
  }
  std::abort();
}

// Of the living processes of one role.
struct RoleUse {
  absl::Duration cpu;
  uint64_t rss_bytes = 0;
};
using RoleUses = std::map<Role, RoleUse>;

void AddProcess(const Supervisor& supervisor, const Child& child, const Scoreboard& board,
                Instant now, RoleUse* use, proto::StatusReport* report) {
  proto::StatusReport::Process& process = *report->add_processes();
  Set(process.mutable_role(), child.role->name);
  Set(process.mutable_state(), ChildStateName(child.state));
  process.set_slot(supervisor.NumberOf(child));
  process.set_generation(supervisor.generation().number());
  process.set_pid(child.pid);
  process.set_quick_deaths(static_cast<uint32_t>(child.quick_deaths));
  if (child.is_pool() || child.is_zygote()) {
    process.set_pool(supervisor.generation().config().pools[child.pool].name);
  }
  if (!child.slot || child.pid == 0) return;
  const ProcessSlot& slot = board.slot(*child.slot);
  process.set_age_ms(MsBetween(child.started, now));
  process.set_rss_bytes(ResidentBytes(child.pid));
  use->rss_bytes += process.rss_bytes();
  const absl::Duration cpu = CpuTimeOf(child.pid).value_or(absl::ZeroDuration());
  use->cpu += cpu;
  process.set_cpu_ms(absl::ToInt64Milliseconds(cpu));
  if (child.is_worker() || child.is_admin()) {
    process.set_connections(slot.connections.load());
    process.set_requests(slot.requests.load() - child.work_before);
    uint64_t jobs = 0;
    for (const PoolLoad& load : slot.load) jobs += load.jobs_out.load() + load.jobs_queued.load();
    process.set_jobs(jobs);
    return;
  }
  process.set_jobs(slot.jobs_done.load() - child.work_before);
  const uint64_t job = slot.job.load();
  if (job <= kSlotReceiving) return;
  process.set_job_id(job);
  process.set_job_ms(MsBetween(Instant{slot.job_started_ns.load()}, now));
  const uint32_t handler = slot.job_handler.load() - 1;  // 0, not known, wraps
  const std::vector<HandlerConfig>& handlers = supervisor.generation().config().handlers;
  if (handler < handlers.size()) process.set_handler(handlers[handler].name);
}

void AddReload(const ReloadResult& reload, proto::StatusReport::LastReload* entry) {
  entry->set_time_unix_ms(absl::ToUnixMillis(reload.when));
  entry->set_ok(reload.ok);
  entry->set_message(reload.message);
}

void AddGeneration(const Supervisor& supervisor, Instant now, proto::StatusReport* report) {
  const Generation& generation = supervisor.generation();
  proto::StatusReport::Generation& entry = *report->add_generations();
  entry.set_number(generation.number());
  Set(entry.mutable_state(), StateName(supervisor.state()));
  entry.set_workers(static_cast<uint32_t>(supervisor.wanted_workers()));
  entry.set_pool(static_cast<uint32_t>(supervisor.wanted_pools()));
  entry.set_age_ms(MsBetween(generation.born(), now));
  for (const ListenSocket& socket : generation.listeners().sockets()) {
    proto::StatusReport::Listener& listener = *report->add_listeners();
    listener.set_address(socket.address);
    Set(listener.mutable_protocol(),
        ProtocolName(generation.config().listeners[socket.listener].protocol));
    listener.set_generation(generation.number());
  }
}

// Counters belong to slots for ever, so the sums never go backwards.
void AddTotals(const Scoreboard& board, const DeathLog& deaths, proto::StatusReport* report) {
  proto::StatusReport::Totals& totals = *report->mutable_totals();
  std::array<uint64_t, kErrorCodeCount> answers = {};
  uint64_t out = 0;
  const SlotRange workers = board.WorkersEver();
  for (uint32_t i = workers.first; i < workers.end; ++i) {
    const ProcessSlot& slot = board.slot(SlotIndex{i});
    totals.set_connections(totals.connections() + slot.connections.load());
    totals.set_connections_moved(totals.connections_moved() + slot.moved_in.load());
    totals.set_requests(totals.requests() + slot.requests.load());
    totals.set_accepted(totals.accepted() + slot.accepted.load());
    totals.set_retries(totals.retries() + slot.jobs_retried.load());
    totals.set_access_lines_dropped(totals.access_lines_dropped() +
                                    slot.access_lines_dropped.load());
    for (const PoolLoad& load : slot.load) {
      totals.set_queue_depth(totals.queue_depth() + load.jobs_queued.load());
      out += load.jobs_out.load();
    }
    for (size_t code = 0; code < kErrorCodeCount; ++code) {
      answers[code] += slot.answers[code].load();
    }
  }
  const SlotRange pool = board.PoolEver();
  for (uint32_t i = pool.first; i < pool.end; ++i) {
    const ProcessSlot& slot = board.slot(SlotIndex{i});
    totals.set_jobs(totals.jobs() + slot.jobs_done.load());
    if (slot.job.load() > kSlotReceiving && out > 0) --out;  // running: not in the queue
  }
  totals.set_queue_depth(totals.queue_depth() + out);
  totals.set_deaths(deaths.total());
  uint64_t dropped = board.header().log_lines_dropped.load();
  uint64_t limited = board.header().log_lines_limited.load();
  const auto add = [&](SlotRange range) {
    for (uint32_t i = range.first; i < range.end; ++i) {
      const ProcessSlot& slot = board.slot(SlotIndex{i});
      dropped += slot.log_lines_dropped.load();
      limited += slot.log_lines_limited.load();
    }
  };
  add(workers);
  add(pool);
  add({board.ZygoteSlot(0).value, board.slots()});
  totals.set_log_lines_dropped(dropped);
  totals.set_log_lines_limited(limited);
  for (size_t code = 1; code < kErrorCodeCount; ++code) {
    proto::StatusReport::ErrorCount& count = *totals.add_errors_by_code();
    Set(count.mutable_code(), kErrorCodeNames[code]);
    count.set_count(answers[code]);
  }
}

// What runs and waits for the pools of the generation that serves.
void AddPools(const Service& service, const Scoreboard& board, proto::StatusReport* report) {
  const Supervisor& current = service.current();
  const Generation& generation = current.generation();
  const GenerationBay& bay = board.header().bays[generation.place().bay];
  for (uint32_t i = 0; i < generation.config().pools.size(); ++i) {
    const PoolConfig& config = generation.config().pools[i];
    proto::StatusReport::Pool& pool = *report->add_pools();
    pool.set_name(config.name);
    pool.set_wanted(static_cast<uint32_t>(current.wanted_pool(i)));
    pool.set_configured(static_cast<uint32_t>(generation.configured().pools[i]));
    pool.set_kept(service.kept().pools.count(config.name) != 0);
    pool.set_max(static_cast<uint32_t>(config.max));
    pool.set_min(config.max == 0 ? 0 : static_cast<uint32_t>(std::max(1, config.min)));
    pool.set_ready(bay.pool_ready[i].load());
    const PoolActivity activity = LookAtPool(board, generation.number(), generation.place().bay, i);
    pool.set_running(activity.running);
    pool.set_waiting(activity.waiting);
    pool.set_payload_bytes(board.PayloadBytes(PoolKey(config.name)));
    Set(pool.mutable_sandbox(), SandboxLevelName(config.sandbox));
    if (!current.HasFailedPool(i)) continue;
    report->add_failed_roles(i == 0 ? "pool" : absl::StrCat("pool.", config.name));
  }
  const proto::StatusReport::Pool& first = report->pools(0);
  report->mutable_pool()->set_wanted(first.wanted());
  report->mutable_pool()->set_configured(first.configured());
  report->mutable_pool()->set_kept(first.kept());
}

void AddHistogram(const LatencyCounts& counts, proto::Histogram* into) {
  for (size_t i = 0; i < kLatencyBuckets; ++i) {
    if (i + 1 < kLatencyBuckets) into->add_upper_us(LatencyUpperUs(i));
    into->add_counts(counts.counts[i]);
  }
  into->set_sum_us(counts.sum_ns / 1000);
}

void AddRequests(const Scoreboard& board, proto::StatusReport* report) {
  RequestCounts all;
  for (const auto& [names, counts] : CountRequests(board)) all.Add(counts);
  report->mutable_totals()->set_bytes_in(all.bytes_in);
  report->mutable_totals()->set_bytes_out(all.bytes_out);
  AddHistogram(all.latency, report->mutable_latency());
  AddHistogram(all.queue_wait, report->mutable_queue_wait());
  AddHistogram(all.run_time, report->mutable_run_time());
}

// What the master itself has counted.
void AddCounts(const SupervisorServices& services, RoleUses uses, proto::StatusReport* report) {
  ServiceCounts& counts = *services.counts;
  report->set_restarts(counts.restarts());
  report->set_reloads_ok(counts.reloads_ok());
  report->set_reloads_failed(counts.reloads_failed());
  for (const ReloadResult& reload : counts.reloads()) AddReload(reload, report->add_reloads());
  for (size_t cause = 0; cause < kEndCauses; ++cause) {
    proto::CauseCount& entry = *report->add_deaths_by_cause();
    Set(entry.mutable_kind(), EndCauseName(static_cast<EndCause>(cause)));
    entry.set_count(services.deaths->CountOf(static_cast<EndCause>(cause)));
  }
  uses[Role::kNone] = {CpuTimeOf(::getpid()).value_or(absl::ZeroDuration()),
                       ResidentBytes(::getpid())};
  for (const RoleSpec& spec : services.roles) uses[spec.role];
  for (const auto& [role, use] : uses) {
    proto::StatusReport::RoleUse& entry = *report->add_roles();
    const auto spec = std::find_if(services.roles.begin(), services.roles.end(),
                                   [role = role](const RoleSpec& one) { return one.role == role; });
    Set(entry.mutable_role(), spec == services.roles.end() ? "master" : spec->name);
    entry.set_cpu_us(static_cast<uint64_t>(absl::ToInt64Microseconds(counts.CpuOf(role, use.cpu))));
    entry.set_rss_bytes(use.rss_bytes);
  }
  report->set_quarantined(services.quarantine->entries().size());
}

}  // namespace

proto::StatusReport MakeStatusReport(const Service& service, const SupervisorServices& services) {
  const Instant now = services.timers->now();
  const Supervisor& current = service.current();
  proto::StatusReport report;
  report.set_version(WINDLASS_VERSION);
  report.set_pid(::getpid());
  report.set_generation(current.generation().number());
  report.set_uptime_ms(MsBetween(service.started(), now));
  Set(report.mutable_state(), StateName(service));
  report.set_config_source(current.generation().config().source);
  if (const std::optional<ReloadResult>& last = service.last_reload(); last.has_value()) {
    AddReload(*last, report.mutable_last_reload());
  }
  RoleUses uses;
  for (const Supervisor* supervisor : service.supervisors()) {
    AddGeneration(*supervisor, now, &report);
    for (const auto& child : supervisor->children()) {
      AddProcess(*supervisor, *child, *services.board, now, &uses[child->role->role], &report);
    }
  }
  if (!service.waits_for().empty()) {
    report.mutable_generations(0)->set_note(
        absl::StrCat("a reload waits for ", service.waits_for()));
  }
  for (const ListenSocket& socket : current.admin_bound()) report.add_admin(socket.address);
  AddTotals(*services.board, *services.deaths, &report);
  AddRequests(*services.board, &report);
  AddCounts(services, std::move(uses), &report);
  report.set_config_hash(current.generation().config_hash());
  const DeathLog& deaths = *services.deaths;
  if (!deaths.latest().empty()) *report.mutable_last_death() = DeathEntry(deaths.latest().back());
  if (!deaths.latest_slow().empty()) {
    *report.mutable_last_slow() = SlowEntry(deaths.latest_slow().back());
  }
  report.set_slow_total(deaths.slow_total());
  proto::StatusReport::Size& workers = *report.mutable_workers();
  workers.set_wanted(static_cast<uint32_t>(current.wanted_workers()));
  workers.set_configured(static_cast<uint32_t>(current.generation().configured().workers));
  workers.set_kept(service.kept().workers.has_value());
  if (current.HasFailed(Role::kWorker)) report.add_failed_roles("worker");
  AddPools(service, *services.board, &report);
  if (current.HasFailed(Role::kAdmin)) report.add_failed_roles("admin");
  return report;
}

}  // namespace windlass
