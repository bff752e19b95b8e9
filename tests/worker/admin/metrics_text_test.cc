#include "worker/admin/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/metrics_board.h"

namespace windlass {
namespace {

using testing::HasSubstr;
using testing::Not;

class MetricsTextTest : public testing::Test {
 protected:
  MetricsTextTest() : board_(Scoreboard::Create(4, 2).value()) {
    board_.MutableHeader().worker_slots_ever = 4;
    board_.MutableHeader().pool_slots_ever = 2;
    board_.MutableNames().AddListener("127.0.0.1:7000");
    board_.MutableNames().AddHandler("search");
    status_.set_version("1.2.3");
    status_.set_generation(2);
    status_.set_config_hash("0123456789abcdef");
    status_.set_uptime_ms(1500);
    for (const char* const role : {"master", "worker", "pool"}) {
      status_.add_roles()->set_role(role);
    }
    proto::CauseCount& deaths = *status_.add_deaths_by_cause();
    deaths.set_kind("signal");
    deaths.set_count(3);
    AddWorker(0, 5);
    AddWorker(1, 7);
  }
  void AddWorker(uint32_t slot, uint64_t connections) {
    proto::StatusReport::Process& process = *status_.add_processes();
    process.set_role("worker");
    process.set_state("serving");
    process.set_generation(2);
    process.set_slot(slot);
    process.set_connections(connections);
  }
  MetricsRow& Row(uint32_t slot, absl::string_view listener, absl::string_view handler) {
    return board_.MutableMetrics(SlotIndex{slot})
        .RowFor({board_.names().FindListener(listener), board_.names().FindHandler(handler)});
  }
  std::string Text(MetricsFormat format = MetricsFormat::kPrometheus) {
    std::string text;
    AppendMetrics(board_, status_, format, &text);
    return text;
  }
  // Of its own output, as promtool finds it; skips the test where there is none.
  void ExpectPromtoolTakesIt() {
    if (std::system("command -v promtool >/dev/null") != 0) {
      GTEST_SKIP() << "not installed: prometheus (promtool)";
    }
    const std::string path = absl::StrCat(testing::TempDir(), "metrics_", ::getpid(), ".txt");
    std::ofstream(path) << Text();
    const int status = std::system(
        absl::StrCat("promtool check metrics < ", path, " > ", path, ".out 2>&1").c_str());
    std::stringstream said;
    said << std::ifstream(path + ".out").rdbuf();
    EXPECT_EQ(status, 0);
    EXPECT_EQ(said.str(), "");
    std::remove(path.c_str());
    std::remove((path + ".out").c_str());
  }

  Scoreboard board_;
  proto::StatusReport status_;
};

TEST_F(MetricsTextTest, TellsRequestsByListenerHandlerAndCodeOfAllWorkers) {
  Bump(Row(0, "127.0.0.1:7000", "search").answers[0], uint64_t{4});
  Bump(Row(2, "127.0.0.1:7000", "search").answers[0], uint64_t{3});
  Bump(Row(2, "127.0.0.1:7000", "search").answers[4]);
  Bump(Row(2, "127.0.0.1:7000", "search").bytes_in, uint64_t{100});
  const std::string text = Text();
  const std::string labels = R"({listener="127.0.0.1:7000",handler="search")";
  EXPECT_THAT(text,
              HasSubstr(absl::StrCat("windlass_requests_total", labels, ",code=\"ok\"} 7\n")));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("windlass_requests_total", labels,
                                           ",code=\"overloaded\"} 1\n")));
  EXPECT_THAT(
      text, HasSubstr(absl::StrCat("windlass_requests_total", labels, ",code=\"not_found\"} 0\n")));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("windlass_received_bytes_total", labels, "} 100\n")));
}

TEST_F(MetricsTextTest, TellsHistogramsInSecondsWithABoundAnOctave) {
  MetricsRow& row = Row(1, "127.0.0.1:7000", "search");
  row.latency.Add(20'000);           // 20 us
  row.latency.Add(33'000);           // 33 us
  row.latency.Add(200'000'000'000);  // 200 s
  const std::string text = Text();
  const std::string bucket =
      "windlass_request_duration_seconds_bucket{listener=\"127.0.0.1:7000\",handler=\"search\",le=";
  EXPECT_THAT(text, HasSubstr(bucket + "\"1.6e-05\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"3.2e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"6.4e-05\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"67.108864\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"+Inf\"} 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("\"2e-05\"")));
  EXPECT_THAT(text, HasSubstr("handler=\"search\"} 200.000053000\n"));
}

TEST_F(MetricsTextTest, TellsHowWorkersThatServeShareTheClients) {
  board_.MutableSlot(SlotIndex{1}).accepted = 11;
  AddWorker(3, 9);
  status_.mutable_processes(2)->set_state("draining");
  AddWorker(77, 9);  // no such slot
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("windlass_worker_connections{worker=\"0\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("windlass_worker_accepted_total{worker=\"1\"} 11\n"));
  EXPECT_THAT(text, Not(HasSubstr("worker=\"3\"")));
  EXPECT_THAT(text, Not(HasSubstr("worker=\"77\"")));
}

TEST_F(MetricsTextTest, HasAllStatesAndCausesAlsoThoseOfNobody) {
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("windlass_processes{role=\"pool\",state=\"serving\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("windlass_processes{role=\"worker\",state=\"serving\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("role=\"master\",state")));
  EXPECT_THAT(text, HasSubstr("windlass_deaths_total{cause=\"signal\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("windlass_uptime_seconds 1.500000000\n"));
  EXPECT_THAT(text, HasSubstr("windlass_last_reload_success 1\n"));
}

TEST_F(MetricsTextTest, CallsCountersInEitherFormatWhatItCallsThem) {
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("# TYPE windlass_retries_total counter\n"));
  EXPECT_THAT(text, Not(HasSubstr("# EOF")));
  const std::string open = Text(MetricsFormat::kOpenMetrics);
  EXPECT_THAT(open, HasSubstr("# TYPE windlass_retries counter\n"));
  EXPECT_THAT(open, HasSubstr("\nwindlass_retries_total 0\n"));
  EXPECT_TRUE(absl::EndsWith(open, "\n# EOF\n"));
}

TEST_F(MetricsTextTest, IsInTheFormatThatTheScraperAsksFor) {
  EXPECT_EQ(MetricsFormatFor("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1"),
            MetricsFormat::kOpenMetrics);
  EXPECT_EQ(MetricsFormatFor(""), MetricsFormat::kPrometheus);
  EXPECT_EQ(MetricsFormatFor("*/*"), MetricsFormat::kPrometheus);
}

TEST_F(MetricsTextTest, PromtoolTakesWhatAServerThatHasSeenAllSays) {
  Row(1, "127.0.0.1:7000", "search").latency.Add(1);
  Row(1, "127.0.0.1:7000", "search").run_time.Add(1);
  status_.mutable_last_reload()->set_time_unix_ms(1'700'000'000'123);
  ExpectPromtoolTakesIt();
}

TEST_F(MetricsTextTest, PromtoolTakesNamesOfAnyBytesAndNoSampleIsThereTwice) {
  for (const absl::string_view name :
       {"a\"b", "a\\b", "a\nb", "\xff", "\xfe", "other", "{}", "é", "a\x01b"}) {
    board_.MutableNames().AddHandler(name);
    Bump(Row(0, "127.0.0.1:7000", name).answers[0]);
  }
  Bump(Row(0, "127.0.0.1:7000", "has no number").answers[0]);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr(R"(handler="a\"b",code="ok"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(handler="a\\b",code="ok"} 1)"));
  EXPECT_THAT(text, HasSubstr("handler=\"\xef\xbf\xbd\",code=\"ok\"} 2")) << "both";
  EXPECT_THAT(text, HasSubstr("handler=\"other\",code=\"ok\"} 2"));
  std::set<std::string> samples;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::string sample(line.substr(0, line.rfind(' ')));
    if (line[0] == '#') continue;
    EXPECT_TRUE(samples.insert(sample).second) << sample;
  }
  ExpectPromtoolTakesIt();
}

TEST_F(MetricsTextTest, IsBoundedWhateverStandsInTheMemory) {
  for (uint32_t slot = 0; slot < 4; ++slot) {
    MetricsSlot& metrics = board_.MutableMetrics(SlotIndex{slot});
    metrics.used = UINT32_MAX;
    for (uint32_t row = 0; row < MetricsSlot::kRows; ++row) {
      metrics.keys[row] = slot * 1'000'003 + row * 77'777;
      metrics.rows[row].bytes_in = UINT64_MAX;
    }
  }
  board_.MutableHeader().worker_slots_ever = UINT32_MAX;
  EXPECT_LT(Text().size(), size_t{4} << 20);
  ExpectPromtoolTakesIt();
}

}  // namespace
}  // namespace windlass
