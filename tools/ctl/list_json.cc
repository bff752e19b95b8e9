#include "tools/ctl/list_json.h"

#include <utility>

#include "absl/time/time.h"
#include "tools/ctl/human_units.h"
#include "tools/ctl/json_writer.h"

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

}  // namespace

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

std::string DeathsJson(const proto::DeathsReport& report) {
  JsonWriter json;
  json.OpenList("deaths");
  for (const proto::DeathsReport::Death& one : report.deaths()) {
    json.OpenObject("");
    json.Text("time", UtcTime(absl::FromUnixMillis(one.time_unix_ms())));
    json.Text("role", one.role());
    json.Unsigned("slot", one.slot());
    json.Signed("pid", one.pid());
    json.Unsigned("generation", one.generation());
    json.Text("cause", one.cause());
    json.Id("job_id", one.job_id());
    json.Seconds("age_s", one.age_ms());
    json.Close();
  }
  json.Close();
  json.Unsigned("total", report.total());
  return std::move(json).Take();
}

}  // namespace windlass
