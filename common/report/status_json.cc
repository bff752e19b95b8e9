#include "common/report/status_json.h"

#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/report/human_units.h"
#include "common/report/json_writer.h"
#include "common/report/list_json.h"

namespace windlass {
namespace {

void WriteLastReload(const proto::StatusReport& report, JsonWriter* json) {
  if (!report.has_last_reload()) return json->Null("last_reload");
  const proto::StatusReport::LastReload& last = report.last_reload();
  json->OpenObject("last_reload");
  json->Text("time", UtcTime(absl::FromUnixMillis(last.time_unix_ms())));
  json->Flag("ok", last.ok());
  json->Text("message", last.message());
  json->Close();
}

void WriteReloads(const proto::StatusReport& report, JsonWriter* json) {
  json->OpenList("reloads");
  for (const proto::StatusReport::LastReload& one : report.reloads()) {
    json->OpenObject("");
    json->Signed("time", one.time_unix_ms());
    json->Flag("ok", one.ok());
    json->Text("message", one.message());
    json->Close();
  }
  json->Close();
}

void WriteHistogram(absl::string_view key, const proto::Histogram& histogram, JsonWriter* json) {
  json->OpenObject(key);
  json->OpenList("upper_us");
  for (const uint64_t bound : histogram.upper_us()) json->Unsigned("", bound);
  json->Close();
  json->OpenList("counts");
  for (const uint64_t count : histogram.counts()) json->Unsigned("", count);
  json->Close();
  json->Unsigned("sum_us", histogram.sum_us());
  json->Close();
}

void WriteListeners(const proto::StatusReport& report, JsonWriter* json) {
  json->OpenList("listeners");
  for (const proto::StatusReport::Listener& one : report.listeners()) {
    json->OpenObject("");
    json->Text("address", one.address());
    json->Text("protocol", one.protocol());
    json->Unsigned("generation", one.generation());
    json->Close();
  }
  json->Close();
}

void WriteGenerations(const proto::StatusReport& report, JsonWriter* json) {
  json->OpenList("generations");
  for (const proto::StatusReport::Generation& one : report.generations()) {
    json->OpenObject("");
    json->Unsigned("number", one.number());
    json->Text("state", one.state());
    json->Unsigned("workers", one.workers());
    json->Unsigned("pool", one.pool());
    json->Seconds("age_s", one.age_ms());
    json->Text("note", one.note());
    json->Close();
  }
  json->Close();
}

void WriteProcesses(const proto::StatusReport& report, JsonWriter* json) {
  json->OpenList("processes");
  for (const proto::StatusReport::Process& one : report.processes()) {
    json->OpenObject("");
    json->Text("role", one.role());
    json->Unsigned("slot", one.slot());
    json->Signed("pid", one.pid());
    json->Unsigned("generation", one.generation());
    json->Text("state", one.state());
    json->Seconds("age_s", one.age_ms());
    json->Unsigned("connections", one.connections());
    json->Unsigned("requests", one.requests());
    json->Unsigned("jobs", one.jobs());
    json->Unsigned("rss_bytes", one.rss_bytes());
    json->Id("job_id", one.job_id());
    json->Signed("job_ms", one.job_ms());
    json->Unsigned("quick_deaths", one.quick_deaths());
    json->Signed("cpu_ms", one.cpu_ms());
    json->Text("handler", one.handler());
    if (!one.pool().empty()) json->Text("pool", one.pool());
    json->Close();
  }
  json->Close();
}

void WriteTotals(const proto::StatusReport::Totals& totals, JsonWriter* json) {
  json->OpenObject("totals");
  json->Unsigned("connections", totals.connections());
  json->Unsigned("connections_moved", totals.connections_moved());
  json->Unsigned("requests", totals.requests());
  json->OpenObject("errors_by_code");
  for (const proto::StatusReport::ErrorCount& error : totals.errors_by_code()) {
    json->Unsigned(error.code(), error.count());
  }
  json->Close();
  json->Unsigned("jobs", totals.jobs());
  json->Unsigned("queue_depth", totals.queue_depth());
  json->Unsigned("deaths", totals.deaths());
  json->Unsigned("accepted", totals.accepted());
  json->Unsigned("retries", totals.retries());
  json->Unsigned("log_lines_dropped", totals.log_lines_dropped());
  json->Unsigned("log_lines_limited", totals.log_lines_limited());
  json->Unsigned("bytes_in", totals.bytes_in());
  json->Unsigned("bytes_out", totals.bytes_out());
  json->Unsigned("access_lines_dropped", totals.access_lines_dropped());
  json->Close();
}

void WriteSize(absl::string_view key, const proto::StatusReport::Size& size, JsonWriter* json) {
  json->OpenObject(key);
  json->Unsigned("wanted", size.wanted());
  json->Unsigned("configured", size.configured());
  json->Flag("kept", size.kept());
  json->Close();
}

void WritePools(const proto::StatusReport& report, JsonWriter* json) {
  json->OpenList("pools");
  for (const proto::StatusReport::Pool& pool : report.pools()) {
    json->OpenObject("");
    json->Text("name", pool.name());
    json->Unsigned("wanted", pool.wanted());
    json->Unsigned("configured", pool.configured());
    json->Flag("kept", pool.kept());
    json->Unsigned("min", pool.min());
    json->Unsigned("max", pool.max());
    json->Unsigned("ready", pool.ready());
    json->Unsigned("running", pool.running());
    json->Unsigned("waiting", pool.waiting());
    json->Unsigned("payload_bytes", pool.payload_bytes());
    json->Text("sandbox", pool.sandbox());
    json->Close();
  }
  json->Close();
}

}  // namespace

std::string StatusJson(const proto::StatusReport& report) {
  JsonWriter json;
  json.Text("version", report.version());
  json.Signed("pid", report.pid());
  json.Unsigned("generation", report.generation());
  json.Seconds("uptime_s", report.uptime_ms());
  json.Text("state", report.state());
  json.Text("config", report.config_source());
  json.Text("config_hash", report.config_hash());
  WriteLastReload(report, &json);
  WriteReloads(report, &json);
  WriteListeners(report, &json);
  json.OpenList("admin");
  for (const std::string& address : report.admin()) json.Text("", address);
  json.Close();
  WriteGenerations(report, &json);
  WriteProcesses(report, &json);
  WriteTotals(report.totals(), &json);
  if (report.has_last_death()) {
    WriteDeath("last_death", report.last_death(), &json);
  } else {
    json.Null("last_death");
  }
  json.Unsigned("restarts", report.restarts());
  json.OpenObject("deaths_by_cause");
  for (const proto::CauseCount& one : report.deaths_by_cause()) {
    json.Unsigned(one.kind(), one.count());
  }
  json.Close();
  WriteHistogram("latency", report.latency(), &json);
  WriteHistogram("queue_wait", report.queue_wait(), &json);
  WriteHistogram("run_time", report.run_time(), &json);
  json.Unsigned("slow_jobs", report.slow_total());
  if (report.has_last_slow()) {
    WriteSlow("last_slow_job", report.last_slow(), &json);
  } else {
    json.Null("last_slow_job");
  }
  WriteSize("workers", report.workers(), &json);
  WriteSize("pool", report.pool(), &json);
  WritePools(report, &json);
  json.OpenList("failed_roles");
  for (const std::string& role : report.failed_roles()) json.Text("", role);
  json.Close();
  return std::move(json).Take();
}

}  // namespace windlass
