#include "common/report/status_json.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "absl/strings/str_cat.h"
#include "tests/common/report/sample_reports.h"

namespace windlass {
namespace {

class StatusJsonTest : public testing::Test {
 protected:
  simdjson::dom::element Parse(const proto::StatusReport& report) {
    const std::string json = StatusJson(report);
    EXPECT_EQ(json.back(), '\n');
    EXPECT_EQ(json.find('\n'), json.size() - 1);
    return parser_.parse(json);
  }
  static std::string TextOf(simdjson::dom::element element) {
    return std::string(std::string_view(element));
  }

  simdjson::dom::parser parser_;
};

TEST_F(StatusJsonTest, HasThePromisedKeysOfTheServer) {
  const simdjson::dom::element root = Parse(TroubledStatus());
  EXPECT_EQ(TextOf(root["version"]), "0.1.0");
  EXPECT_EQ(int64_t{root["pid"]}, 4242);
  EXPECT_EQ(uint64_t{root["generation"]}, 2u);
  EXPECT_DOUBLE_EQ(double{root["uptime_s"]}, 7500);
  EXPECT_EQ(TextOf(root["state"]), "degraded");
  EXPECT_EQ(TextOf(root["config"]), "/etc/windlass.toml");
  EXPECT_EQ(TextOf(root["last_reload"]["time"]), "2026-01-31T11:56:48Z");
  EXPECT_FALSE(bool{root["last_reload"]["ok"]});
  EXPECT_EQ(TextOf(root["last_reload"]["message"]), "line 3: unknown key 'prot'");
  EXPECT_EQ(uint64_t{root["workers"]["wanted"]}, 2u);
  EXPECT_EQ(uint64_t{root["workers"]["configured"]}, 1u);
  EXPECT_TRUE(bool{root["workers"]["kept"]});
  EXPECT_FALSE(bool{root["pool"]["kept"]});
  EXPECT_EQ(TextOf(root["failed_roles"].at(0)), "pool");
}

TEST_F(StatusJsonTest, ListsListenersAndGenerations) {
  const simdjson::dom::element root = Parse(TroubledStatus());
  EXPECT_EQ(TextOf(root["listeners"].at(0)["address"]), "127.0.0.1:65432");
  EXPECT_EQ(TextOf(root["listeners"].at(0)["protocol"]), "message");
  EXPECT_EQ(uint64_t{root["listeners"].at(0)["generation"]}, 1u);
  EXPECT_EQ(root["generations"].get_array().size(), 2u);
  const simdjson::dom::element old = root["generations"].at(0);
  EXPECT_EQ(uint64_t{old["number"]}, 1u);
  EXPECT_EQ(TextOf(old["state"]), "draining");
  EXPECT_EQ(uint64_t{old["workers"]}, 1u);
  EXPECT_EQ(uint64_t{old["pool"]}, 1u);
  EXPECT_DOUBLE_EQ(double{old["age_s"]}, 7500);
  EXPECT_EQ(TextOf(old["note"]), "worker-0 has 12 connections");
}

TEST_F(StatusJsonTest, ListsProcessesWithJobIdsAsStrings) {
  const simdjson::dom::element root = Parse(CalmStatus());
  const simdjson::dom::element worker = root["processes"].at(0);
  EXPECT_EQ(TextOf(worker["role"]), "worker");
  EXPECT_EQ(uint64_t{worker["slot"]}, 0u);
  EXPECT_EQ(int64_t{worker["pid"]}, 4243);
  EXPECT_EQ(uint64_t{worker["generation"]}, 1u);
  EXPECT_EQ(TextOf(worker["state"]), "serving");
  EXPECT_DOUBLE_EQ(double{worker["age_s"]}, 7500);
  EXPECT_EQ(uint64_t{worker["connections"]}, 12u);
  EXPECT_EQ(uint64_t{worker["requests"]}, 123456u);
  EXPECT_EQ(uint64_t{worker["jobs"]}, 1u);
  EXPECT_EQ(uint64_t{worker["rss_bytes"]}, 12'897'485u);
  EXPECT_TRUE(worker["job_id"].is_null());
  EXPECT_EQ(int64_t{worker["job_ms"]}, 0);
  EXPECT_EQ(TextOf(root["processes"].at(1)["job_id"]), "18014398509481985");
  EXPECT_EQ(int64_t{root["processes"].at(1)["job_ms"]}, 250);
}

TEST_F(StatusJsonTest, HasTheTotalsAndEveryErrorCode) {
  const simdjson::dom::element totals = Parse(TroubledStatus())["totals"];
  EXPECT_EQ(uint64_t{totals["connections"]}, 12u);
  EXPECT_EQ(uint64_t{totals["connections_moved"]}, 0u);
  EXPECT_EQ(uint64_t{totals["requests"]}, 123456u);
  EXPECT_EQ(uint64_t{totals["errors_by_code"]["too_large"]}, 0u);
  EXPECT_EQ(uint64_t{totals["errors_by_code"]["handler_crashed"]}, 5u);
  EXPECT_EQ(uint64_t{totals["jobs"]}, 98766u);
  EXPECT_EQ(uint64_t{totals["queue_depth"]}, 0u);
  EXPECT_EQ(uint64_t{totals["deaths"]}, 5u);
  EXPECT_EQ(uint64_t{totals["accepted"]}, 345u);
  EXPECT_EQ(uint64_t{totals["retries"]}, 0u);
  EXPECT_EQ(uint64_t{totals["log_lines_dropped"]}, 0u);
  EXPECT_EQ(uint64_t{totals["log_lines_limited"]}, 0u);
  EXPECT_EQ(uint64_t{totals["access_lines_dropped"]}, 0u);
}

TEST_F(StatusJsonTest, HasTheLastDeathAndTheLastSlowJobWithTheirStacks) {
  const simdjson::dom::element root = Parse(TroubledStatus());
  EXPECT_EQ(TextOf(root["last_death"]["kind"]), "signal");
  EXPECT_EQ(TextOf(root["last_death"]["stack"].at(0)), "Spin() (fault.so+0x12)");
  EXPECT_EQ(uint64_t{root["slow_jobs"]}, 3u);
  EXPECT_EQ(TextOf(root["last_slow_job"]["stack"].at(0)), "Blur() (image.so+0x99)");
  EXPECT_TRUE(Parse(CalmStatus())["last_death"].is_null());
  EXPECT_TRUE(Parse(CalmStatus())["last_slow_job"].is_null());
}

TEST_F(StatusJsonTest, OfAnEmptyReportHasAllKeysToo) {
  const simdjson::dom::element root = Parse(proto::StatusReport());
  EXPECT_TRUE(root["last_reload"].is_null());
  for (const char* list : {"listeners", "generations", "processes", "failed_roles"}) {
    EXPECT_EQ(root[list].get_array().size(), 0u) << list;
  }
  EXPECT_EQ(root["totals"]["errors_by_code"].get_object().size(), 0u);
  EXPECT_EQ(uint64_t{root["pool"]["wanted"]}, 0u);
}

TEST_F(StatusJsonTest, BytesThatAreNotUtf8AreReplaced) {
  proto::StatusReport report;
  report.set_config_source("/etc/\xff\x1b.toml");
  report.mutable_last_reload()->set_message("two\nlines");
  const simdjson::dom::element root = Parse(report);
  EXPECT_EQ(TextOf(root["config"]), "/etc/\xef\xbf\xbd\xef\xbf\xbd.toml");
  EXPECT_EQ(TextOf(root["last_reload"]["message"]), "two\nlines");
}

}  // namespace
}  // namespace windlass
