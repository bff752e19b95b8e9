#include "common/report/list_json.h"

#include <utility>

#include "absl/time/time.h"
#include "common/report/human_units.h"
#include "common/report/json_writer.h"

namespace windlass {
namespace {

// A report that workers were asked for.
template <typename Report>
void WriteNotes(const Report& report, JsonWriter* json) {
  json->OpenList("silent_workers");
  for (const uint32_t slot : report.silent_workers()) json->Unsigned("", slot);
  json->Close();
  json->Unsigned("left_out", report.left_out());
}

template <typename Lines>
void WriteStack(const Lines& stack, JsonWriter* json) {
  json->OpenList("stack");
  for (const auto& line : stack) json->Text("", line);
  json->Close();
}

}  // namespace

void WriteDeath(absl::string_view key, const proto::DeathsReport::Death& one, JsonWriter* json) {
  json->OpenObject(key);
  json->Text("time", UtcTime(absl::FromUnixMillis(one.time_unix_ms())));
  json->Text("role", one.role());
  json->Unsigned("slot", one.slot());
  json->Signed("pid", one.pid());
  json->Unsigned("generation", one.generation());
  json->Text("kind", one.kind());
  json->Text("cause", one.cause());
  json->Seconds("age_s", one.age_ms());
  json->Unsigned("peak_rss_bytes", one.peak_rss_bytes());
  json->Id("job_id", one.job_id());
  if (one.job_id() != 0) {
    json->Text("handler", one.handler());
    json->Unsigned("payload_bytes", one.payload_bytes());
    json->Unsigned("attempt", one.attempt());
    json->Seconds("job_s", one.job_ms());
    if (one.has_fault_address()) json->Unsigned("fault_address", one.fault_address());
    if (!one.forbidden_call().empty()) json->Text("forbidden_call", one.forbidden_call());
    WriteStack(one.stack(), json);
    if (!one.no_stack().empty()) json->Text("no_stack", one.no_stack());
  }
  json->Close();
}

void WriteSlow(absl::string_view key, const proto::DeathsReport::Slow& one, JsonWriter* json) {
  json->OpenObject(key);
  json->Text("time", UtcTime(absl::FromUnixMillis(one.time_unix_ms())));
  json->Text("process", one.process());
  json->Signed("pid", one.pid());
  json->Id("job_id", one.job_id());
  json->Text("handler", one.handler());
  json->Seconds("ran_s", one.ran_ms());
  json->Flag("past_deadline", one.past_deadline());
  WriteStack(one.stack(), json);
  json->Close();
}

std::string ConnectionsJson(const proto::ConnectionsReport& report) {
  JsonWriter json;
  json.OpenList("connections");
  for (const proto::ConnectionsReport::Connection& one : report.connections()) {
    json.OpenObject("");
    json.Text("peer", one.peer());
    json.Text("listener", one.listener());
    json.Text("protocol", one.protocol());
    json.Text("state", one.state());
    json.Seconds("age_s", one.age_ms());
    json.Seconds("idle_s", one.idle_ms());
    json.Unsigned("in_flight", one.in_flight());
    json.Unsigned("recv_q_bytes", one.recv_q());
    json.Unsigned("send_q_bytes", one.send_q());
    json.Unsigned("worker", one.slot());
    json.Unsigned("generation", one.generation());
    json.Close();
  }
  json.Close();
  WriteNotes(report, &json);
  return std::move(json).Take();
}

std::string JobsJson(const proto::JobsReport& report) {
  JsonWriter json;
  json.OpenList("jobs");
  for (const proto::JobsReport::Job& one : report.jobs()) {
    json.OpenObject("");
    json.Id("id", one.id());
    json.Flag("running", one.running());
    json.Text("handler", one.handler());
    json.Signed("age_ms", one.age_ms());
    json.Signed("deadline_ms", one.deadline_ms());
    json.Text("role", one.running() ? "pool" : "worker");
    json.Unsigned("slot", one.slot());
    json.Signed("pid", one.pid());
    json.Close();
  }
  json.Close();
  WriteNotes(report, &json);
  return std::move(json).Take();
}

std::string QuarantineJson(const proto::QuarantineReport& report) {
  JsonWriter json;
  json.OpenList("quarantine");
  for (const proto::QuarantineReport::Entry& one : report.entries()) {
    json.OpenObject("");
    json.Text("id", one.id());
    json.Text("handler", one.handler());
    json.Unsigned("payload_bytes", one.bytes());
    json.Unsigned("crashes", one.crashes());
    json.Text("last_crash", UtcTime(absl::FromUnixMillis(one.last_unix_ms())));
    json.Seconds("expires_in_s", one.expires_ms());
    json.Close();
  }
  json.Close();
  return std::move(json).Take();
}

std::string DeathsJson(const proto::DeathsReport& report) {
  JsonWriter json;
  for (const bool expected : {false, true}) {
    json.OpenList(expected ? "ended" : "deaths");
    for (const proto::DeathsReport::Death& one : report.deaths()) {
      if (one.expected() == expected) WriteDeath("", one, &json);
    }
    json.Close();
  }
  json.OpenList("slow");
  for (const proto::DeathsReport::Slow& one : report.slow()) WriteSlow("", one, &json);
  json.Close();
  json.Unsigned("total", report.total());
  json.Unsigned("slow_total", report.slow_total());
  return std::move(json).Take();
}

}  // namespace windlass
