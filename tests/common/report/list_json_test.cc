#include "common/report/list_json.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/common/report/sample_reports.h"

namespace windlass {
namespace {

std::string TextOf(simdjson::dom::element element) {
  return std::string(std::string_view(element));
}

TEST(ConnectionsJson, HasThePromisedKeys) {
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(ConnectionsJson(SampleConnections()));
  const simdjson::dom::element one = root["connections"].at(0);
  EXPECT_EQ(TextOf(one["peer"]), "127.0.0.1:40000");
  EXPECT_EQ(TextOf(one["listener"]), "127.0.0.1:65432");
  EXPECT_EQ(TextOf(one["protocol"]), "message");
  EXPECT_EQ(TextOf(one["state"]), "reading");
  EXPECT_DOUBLE_EQ(double{one["age_s"]}, 192);
  EXPECT_DOUBLE_EQ(double{one["idle_s"]}, 1);
  EXPECT_EQ(uint64_t{one["in_flight"]}, 2u);
  EXPECT_EQ(uint64_t{one["recv_q_bytes"]}, 65536u);
  EXPECT_EQ(uint64_t{one["send_q_bytes"]}, 0u);
  EXPECT_EQ(uint64_t{one["worker"]}, 1u);
  EXPECT_EQ(uint64_t{one["generation"]}, 1u);
  EXPECT_EQ(TextOf(root["connections"].at(1)["peer"]), "unix:@\xef\xbf\xbd[2J\xef\xbf\xbd");
  EXPECT_EQ(uint64_t{root["silent_workers"].at(0)}, 3u);
  EXPECT_EQ(uint64_t{root["left_out"]}, 7u);
}

TEST(JobsJson, HasThePromisedKeys) {
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(JobsJson(SampleJobs()));
  const simdjson::dom::element running = root["jobs"].at(0);
  EXPECT_EQ(TextOf(running["id"]), "18014398509481985");
  EXPECT_TRUE(bool{running["running"]});
  EXPECT_EQ(TextOf(running["handler"]), "burn");
  EXPECT_EQ(int64_t{running["age_ms"]}, 31'000);
  EXPECT_EQ(int64_t{running["deadline_ms"]}, -1'000);
  EXPECT_EQ(TextOf(running["role"]), "pool");
  EXPECT_EQ(uint64_t{running["slot"]}, 8u);
  EXPECT_EQ(int64_t{running["pid"]}, 4244);
  EXPECT_EQ(TextOf(root["jobs"].at(1)["role"]), "worker");
  EXPECT_EQ(root["silent_workers"].get_array().size(), 0u);
  EXPECT_EQ(uint64_t{root["left_out"]}, 0u);
}

TEST(QuarantineJson, HasThePromisedKeys) {
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(QuarantineJson(SampleQuarantine()));
  const simdjson::dom::element one = root["quarantine"].at(0);
  EXPECT_EQ(TextOf(one["id"]), "9f86d081884c7d65");
  EXPECT_EQ(TextOf(one["handler"]), "search");
  EXPECT_EQ(uint64_t{one["payload_bytes"]}, 123u);
  EXPECT_EQ(uint64_t{one["crashes"]}, 2u);
  EXPECT_EQ(TextOf(one["last_crash"]), "2026-01-31T12:00:00Z");
  EXPECT_DOUBLE_EQ(double{one["expires_in_s"]}, 598.5);
}

TEST(DeathsJson, HasThePromisedKeys) {
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(DeathsJson(SampleDeaths()));
  const simdjson::dom::element one = root["deaths"].at(0);
  EXPECT_EQ(TextOf(one["time"]), "2026-01-31T12:00:00Z");
  EXPECT_EQ(TextOf(one["role"]), "pool");
  EXPECT_EQ(uint64_t{one["slot"]}, 8u);
  EXPECT_EQ(int64_t{one["pid"]}, 4200);
  EXPECT_EQ(uint64_t{one["generation"]}, 1u);
  EXPECT_EQ(TextOf(one["cause"]), "was killed by SIGSEGV (Segmentation fault)");
  EXPECT_EQ(TextOf(one["job_id"]), "18014398509481985");
  EXPECT_DOUBLE_EQ(double{one["age_s"]}, 7500);
  EXPECT_EQ(uint64_t{root["total"]}, 5u);
  EXPECT_EQ(TextOf(one["kind"]), "signal");
  EXPECT_EQ(TextOf(one["handler"]), "search");
  EXPECT_EQ(uint64_t{one["payload_bytes"]}, 123u);
  EXPECT_EQ(uint64_t{one["attempt"]}, 2u);
  EXPECT_DOUBLE_EQ(double{one["job_s"]}, 0.02);
  EXPECT_EQ(uint64_t{one["peak_rss_bytes"]}, 64u << 20);
  EXPECT_EQ(uint64_t{one["fault_address"]}, 16u);
  EXPECT_EQ(TextOf(one["stack"].at(0)), "Spin() (fault.so+0x12)");
  EXPECT_EQ(root["deaths"].get_array().size(), 1u);
  EXPECT_EQ(TextOf(root["ended"].at(0)["kind"]), "scale");
  EXPECT_EQ(TextOf(root["slow"].at(0)["stack"].at(0)), "Blur() (image.so+0x99)");
  EXPECT_EQ(uint64_t{root["slow_total"]}, 3u);
}

}  // namespace
}  // namespace windlass
