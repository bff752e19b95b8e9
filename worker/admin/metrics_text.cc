#include "worker/admin/metrics_text.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/metrics_board.h"
#include "common/report/printable_text.h"

namespace windlass {
namespace {

uint64_t Load(const Word<uint64_t>& word) { return word.load(std::memory_order_relaxed); }

// --- Requests

void WriteRequests(const RequestCountsByName& requests, MetricsWriter* writer) {
  // Each of them for every listener and handler that have met.
  const auto for_each = [&](auto write) {
    for (const auto& [names, counts] : requests) write(names.first, names.second, counts);
  };
  writer->Counter("windlass_requests_total",
                  "Requests that were answered, by listener, handler and code; handler is empty "
                  "where none was found.");
  for_each([&](const std::string& listener, const std::string& handler, const RequestCounts& one) {
    for (size_t code = 0; code < kErrorCodeCount; ++code) {
      writer->Sample(
          {{"listener", listener}, {"handler", handler}, {"code", kErrorCodeNames[code]}},
          one.answers[code]);
    }
  });
  writer->Counter("windlass_received_bytes_total", "Bytes of requests that were answered.");
  for_each([&](const std::string& listener, const std::string& handler, const RequestCounts& one) {
    writer->Sample({{"listener", listener}, {"handler", handler}}, one.bytes_in);
  });
  writer->Counter("windlass_sent_bytes_total", "Bytes of answers.");
  for_each([&](const std::string& listener, const std::string& handler, const RequestCounts& one) {
    writer->Sample({{"listener", listener}, {"handler", handler}}, one.bytes_out);
  });
  const auto histogram = [&](LatencyCounts RequestCounts::*which) {
    for_each(
        [&](const std::string& listener, const std::string& handler, const RequestCounts& one) {
          writer->Sample({{"listener", listener}, {"handler", handler}}, one.*which);
        });
  };
  writer->Histogram("windlass_request_duration_seconds",
                    "From the end of a request's head until the kernel had its answer.");
  histogram(&RequestCounts::latency);
  writer->Histogram("windlass_queue_wait_seconds",
                    "How long jobs waited until a pool process took them, or their time was up.");
  histogram(&RequestCounts::queue_wait);
  writer->Histogram("windlass_job_duration_seconds", "How long handlers ran for answered jobs.");
  histogram(&RequestCounts::run_time);
}

// --- Connections and jobs

struct SlotSums {
  uint64_t shed = 0, moved = 0, idle = 0, frame = 0, write = 0, late = 0, out = 0;
  uint64_t done = 0, expired = 0, dropped = 0;
};

SlotSums AddUp(const Scoreboard& board) {
  SlotSums sums;
  const SlotRange workers = board.WorkersEver();
  for (uint32_t i = workers.first; i < workers.end; ++i) {
    const ProcessSlot& slot = board.slot(SlotIndex{i});
    sums.shed += Load(slot.shed_connections);
    sums.moved += Load(slot.moved_in);
    sums.idle += Load(slot.closed_idle);
    sums.frame += Load(slot.closed_frame);
    sums.write += Load(slot.closed_write);
    sums.late += Load(slot.late_replies);
    for (const PoolLoad& load : slot.load) {
      sums.out += load.jobs_out.load(std::memory_order_relaxed);
    }
  }
  const SlotRange pool = board.PoolEver();
  for (uint32_t i = pool.first; i < pool.end; ++i) {
    const ProcessSlot& slot = board.slot(SlotIndex{i});
    sums.done += Load(slot.jobs_done);
    sums.expired += Load(slot.jobs_expired);
    sums.dropped += Load(slot.replies_dropped);
  }
  return sums;
}

void WriteConnections(const SlotSums& sums, const proto::StatusReport::Totals& totals,
                      MetricsWriter* writer) {
  writer->Gauge("windlass_connections", "Clients that are connected.");
  writer->Sample({}, totals.connections());
  writer->Counter("windlass_connections_accepted_total", "Clients that were accepted.");
  writer->Sample({}, totals.accepted());
  writer->Counter("windlass_connections_moved_total",
                  "Connections that one worker took over from another.");
  writer->Sample({}, sums.moved);
  writer->Counter("windlass_connections_shed_total",
                  "Clients that were turned away: too many connections, or no descriptors.");
  writer->Sample({}, sums.shed);
  writer->Counter("windlass_timeouts_total",
                  "Connections that were closed: idle, a request that did not arrive (frame), "
                  "answers that were not taken (write).");
  writer->Sample({{"reason", "idle"}}, sums.idle);
  writer->Sample({{"reason", "frame"}}, sums.frame);
  writer->Sample({{"reason", "write"}}, sums.write);
}

void WriteJobs(const SlotSums& sums, const proto::StatusReport& status, MetricsWriter* writer) {
  writer->Gauge("windlass_queue_depth", "Jobs that no pool process has taken yet.");
  writer->Sample({}, status.totals().queue_depth());
  writer->Gauge("windlass_jobs_out", "Jobs that workers have sent to the pool, not answered yet.");
  writer->Sample({}, sums.out);
  writer->Counter("windlass_jobs_done_total", "Jobs that pool processes have finished.");
  writer->Sample({}, sums.done);
  writer->Counter("windlass_jobs_expired_total",
                  "Jobs that a pool process took, but did not begin: expired, or unwanted.");
  writer->Sample({}, sums.expired);
  writer->Counter("windlass_retries_total",
                  "Jobs that were run once more, because their process crashed.");
  writer->Sample({}, status.totals().retries());
  writer->Counter("windlass_late_replies_total",
                  "Answers of the pool that nobody waited for any more.");
  writer->Sample({}, sums.late);
  writer->Counter("windlass_replies_dropped_total", "Answers that a worker did not take.");
  writer->Sample({}, sums.dropped);
  writer->Counter("windlass_slow_jobs_total", "Jobs that were found slow.");
  writer->Sample({}, status.slow_total());
  writer->Gauge("windlass_quarantined_payloads", "Payloads that are refused: they have crashed.");
  writer->Sample({}, status.quarantined());
}

// --- Processes

bool IsServingWorker(const proto::StatusReport::Process& process, const proto::StatusReport& status,
                     const Scoreboard& board) {
  return process.role() == "worker" && process.state() == "serving" &&
         process.generation() == status.generation() && process.slot() < board.worker_slots();
}

// How evenly the workers share the clients.
void WriteBalance(const Scoreboard& board, const proto::StatusReport& status,
                  MetricsWriter* writer) {
  std::map<uint32_t, uint64_t> connections;  // by number; each once, whatever the report says
  for (const proto::StatusReport::Process& one : status.processes()) {
    if (IsServingWorker(one, status, board)) connections[one.slot()] = one.connections();
  }
  writer->Gauge("windlass_worker_connections", "Clients of each worker that serves.");
  for (const auto& [number, count] : connections) {
    writer->Sample({{"worker", absl::StrCat(number)}}, count);
  }
  writer->Counter("windlass_worker_accepted_total",
                  "Clients that each worker that serves has accepted, with those before it in its "
                  "place.");
  for (const auto& [number, count] : connections) {
    writer->Sample({{"worker", absl::StrCat(number)}},
                   Load(board.slot(SlotIndex{number}).accepted));
  }
}

void WriteProcesses(const proto::StatusReport& status, MetricsWriter* writer) {
  // All states of all roles, so that none is missing when it is nobody's.
  constexpr std::array<absl::string_view, 7> kStates = {"waiting",  "starting", "serving", "killed",
                                                        "draining", "ending",   "gone"};
  std::map<std::pair<std::string, std::string>, uint64_t> counts;
  for (const proto::StatusReport::RoleUse& use : status.roles()) {
    if (use.role() == "master") continue;
    for (const absl::string_view state : kStates) counts[{use.role(), std::string(state)}] = 0;
  }
  for (const proto::StatusReport::Process& one : status.processes()) {
    ++counts[{one.role(), one.state()}];
  }
  writer->Gauge("windlass_processes", "Processes by role and state, of all generations.");
  for (const auto& [key, count] : counts) {
    writer->Sample({{"role", key.first}, {"state", key.second}}, count);
  }
  writer->Gauge("windlass_processes_wanted",
                "Processes that there shall be, of the generation that serves.");
  uint64_t wanted = 0;
  for (const proto::StatusReport::Pool& pool : status.pools()) wanted += pool.wanted();
  writer->Sample({{"role", "pool"}}, wanted);
  writer->Sample({{"role", "worker"}}, uint64_t{status.workers().wanted()});
  writer->Counter("windlass_restarts_total",
                  "Processes that were made in the place of one that had died.");
  writer->Sample({}, status.restarts());
  writer->Counter("windlass_deaths_total",
                  "Processes that ended and were not told to, or did not end by themselves.");
  std::map<std::string, uint64_t> deaths;
  for (const proto::CauseCount& one : status.deaths_by_cause()) deaths[one.kind()] += one.count();
  for (const auto& [cause, count] : deaths) writer->Sample({{"cause", cause}}, count);
  std::map<std::string, const proto::StatusReport::RoleUse*> roles;
  for (const proto::StatusReport::RoleUse& use : status.roles()) roles[use.role()] = &use;
  writer->Counter("windlass_cpu_seconds_total",
                  "Processor time of all processes of a role, also of those that are gone.");
  for (const auto& [role, use] : roles) {
    writer->Sample({{"role", role}}, absl::Microseconds(use->cpu_us()));
  }
  writer->Gauge("windlass_resident_memory_bytes",
                "Memory of all processes of a role; what they "
                "share counts for each.");
  for (const auto& [role, use] : roles) writer->Sample({{"role", role}}, use->rss_bytes());
}

// --- Pools

void WritePools(const proto::StatusReport& status, MetricsWriter* writer) {
  std::map<std::string, const proto::StatusReport::Pool*> pools;  // each once, whatever it says
  for (const proto::StatusReport::Pool& pool : status.pools()) {
    pools[PrintableLine(pool.name())] = &pool;
  }
  const auto gauge = [&](absl::string_view name, absl::string_view help, auto value) {
    writer->Gauge(name, help);
    for (const auto& [pool, one] : pools) writer->Sample({{"pool", pool}}, uint64_t{value(*one)});
  };
  using Pool = proto::StatusReport::Pool;
  gauge("windlass_pool_processes_wanted", "Processes that there shall be of each pool.",
        [](const Pool& pool) { return pool.wanted(); });
  gauge("windlass_pool_processes_ready", "Processes of each pool that take jobs.",
        [](const Pool& pool) { return pool.ready(); });
  gauge("windlass_pool_jobs_running", "Jobs that processes of each pool are running.",
        [](const Pool& pool) { return pool.running(); });
  gauge("windlass_pool_jobs_waiting", "Jobs of each pool that no process has taken yet.",
        [](const Pool& pool) { return pool.waiting(); });
  gauge("windlass_pool_payload_bytes", "Memory of large payloads in flight, by pool.",
        [](const Pool& pool) { return pool.payload_bytes(); });
}

// --- The server

void WriteServer(const proto::StatusReport& status, MetricsWriter* writer) {
  writer->Gauge("windlass_build_info", "The release that runs.");
  writer->Sample({{"version", status.version()}}, uint64_t{1});
  writer->Gauge("windlass_config_info", "A hash of the configuration that is in effect.");
  writer->Sample({{"hash", status.config_hash()}}, uint64_t{1});
  writer->Gauge("windlass_uptime_seconds", "Since the server was started; upgrades do not count.");
  writer->Sample({}, absl::Milliseconds(std::max<int64_t>(0, status.uptime_ms())));
  writer->Gauge("windlass_generation", "The number of the generation that serves.");
  writer->Sample({}, uint64_t{status.generation()});
  std::map<std::string, uint64_t> generations = {{"starting", 0}, {"serving", 0}, {"draining", 0}};
  for (const proto::StatusReport::Generation& one : status.generations()) {
    ++generations[one.state()];
  }
  writer->Gauge("windlass_generations", "Generations by state.");
  for (const auto& [state, count] : generations) writer->Sample({{"state", state}}, count);
  writer->Counter("windlass_reloads_total", "Reloads by their result.");
  writer->Sample({{"result", "failed"}}, status.reloads_failed());
  writer->Sample({{"result", "ok"}}, status.reloads_ok());
  const bool has_reload = status.has_last_reload();
  writer->Gauge("windlass_last_reload_success", "Whether the last reload succeeded; 1 before any.");
  writer->Sample({}, uint64_t{!has_reload || status.last_reload().ok() ? 1u : 0u});
  writer->Gauge("windlass_last_reload_timestamp_seconds", "When that was; absent before any.");
  if (has_reload) {
    const int64_t ms = std::max<int64_t>(0, status.last_reload().time_unix_ms());
    writer->Sample({}, absl::Milliseconds(ms));
  }
  writer->Counter("windlass_log_lines_dropped_total",
                  "Lines of the master's log that its sink did not take.");
  writer->Sample({}, status.totals().log_lines_dropped());
  writer->Counter("windlass_access_lines_dropped_total",
                  "Lines of the access log that were not written.");
  writer->Sample({}, status.totals().access_lines_dropped());
}

}  // namespace

MetricsFormat MetricsFormatFor(absl::string_view accept) {
  return absl::StrContains(accept, "application/openmetrics-text") ? MetricsFormat::kOpenMetrics
                                                                   : MetricsFormat::kPrometheus;
}

absl::string_view MetricsContentType(MetricsFormat format) {
  return format == MetricsFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

void AppendMetrics(const Scoreboard& board, const proto::StatusReport& status, MetricsFormat format,
                   std::string* out) {
  MetricsWriter writer(format, out);
  const SlotSums sums = AddUp(board);
  WriteServer(status, &writer);
  WriteConnections(sums, status.totals(), &writer);
  WriteBalance(board, status, &writer);
  // By the names as they are written: two may look the same then.
  RequestCountsByName requests;
  for (const auto& [names, counts] : CountRequests(board)) {
    requests[{PrintableLine(names.first), PrintableLine(names.second)}].Add(counts);
  }
  WriteRequests(requests, &writer);
  WriteJobs(sums, status, &writer);
  WriteProcesses(status, &writer);
  WritePools(status, &writer);
  writer.Gauge("windlass_payload_bytes", "Memory of large payloads in flight.");
  writer.Sample({}, board.PayloadBytes());
  writer.End();
}

}  // namespace windlass
