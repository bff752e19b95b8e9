#include "tools/ctl/status_text.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/common/report/sample_reports.h"

namespace windlass {
namespace {

TEST(StatusText, OfACalmServerIsTheServerAndItsTables) {
  EXPECT_EQ(StatusText(CalmStatus(), SampleNow(), {}), R"(windlassd 0.1.0, pid 4242: serving
uptime              2h05m
generation          1
configuration       /etc/windlass.toml
last reload         none yet
workers             1
pool                1

LISTENERS
ADDRESS          PROTOCOL  GENERATION
127.0.0.1:65432  message            1

PROCESSES
ROLE    SLOT   PID  GEN  STATE      AGE  CONNECTIONS  REQUESTS   JOBS       RSS        RUNNING JOB    FOR
worker     0  4243    1  serving  2h05m           12    123456      1  12.3 MiB                  -      -
pool       8  4244    1  serving  3m12s            -         -  98765   9.0 MiB  18014398509481985  250ms

TOTALS
accepted            345
connections         12
connections moved   0
requests            123456
errors              none
jobs                98766
queue depth         0
deaths              0
retries             0
log lines dropped   0
)");
}

TEST(StatusText, OfATroubledServerSaysSoFirst) {
  EXPECT_EQ(StatusText(TroubledStatus(), SampleNow(), {}),
            R"(FAILED: no pool process can be started (see windlassctl deaths)
windlassd 0.1.0, pid 4242: degraded
uptime              2h05m
generation          2
configuration       /etc/windlass.toml
last reload         FAILED, 3m12s ago: line 3: unknown key 'prot'
workers             2 (file says 1), kept
pool                1

LISTENERS
ADDRESS          PROTOCOL  GENERATION
127.0.0.1:65432  message            1

GENERATIONS
GENERATION  STATE       AGE  WORKERS  POOL  NOTE
         1  draining  2h05m        1     1  worker-0 has 12 connections
         2  starting     2s        2     4  -

PROCESSES
ROLE    SLOT   PID  GEN  STATE      AGE  CONNECTIONS  REQUESTS   JOBS       RSS  QUICK DEATHS
worker     0  4243    1  serving  2h05m           12    123456      1  12.3 MiB             -
pool       8     -    1  waiting  3m12s            -         -  98765         -             5

TOTALS
accepted            345
connections         12
connections moved   0
requests            123456
errors              handler_crashed 5
jobs                98766
queue depth         0
deaths              5
retries             0
log lines dropped   0
last death          pool-8 was killed by SIGSEGV (Segmentation fault) in Spin() (fault.so+0x12), 4s ago
slow jobs           3, the last of image in Blur() (image.so+0x99), 1m00s ago
)");
}

TEST(StatusText, TellsAGoodReloadByItsAge) {
  proto::StatusReport report = CalmStatus();
  report.mutable_last_reload()->set_ok(true);
  report.mutable_last_reload()->set_time_unix_ms(kSampleNowMs - 4'200);
  EXPECT_TRUE(
      absl::StrContains(StatusText(report, SampleNow(), {}), "last reload         ok, 4s ago\n"));
  // The clock has been set back since.
  EXPECT_TRUE(absl::StrContains(StatusText(report, SampleNow() - absl::Hours(1), {}),
                                "last reload         ok, 0s ago\n"));
}

TEST(StatusText, SaysHowLongRequestsTookSinceTheStart) {
  proto::StatusReport report = CalmStatus();
  report.mutable_latency()->add_upper_us(1000);
  report.mutable_latency()->add_counts(1000);
  report.mutable_latency()->add_counts(0);
  *report.mutable_queue_wait() = report.latency();
  report.mutable_queue_wait()->set_upper_us(0, 10);
  EXPECT_TRUE(absl::StrContains(StatusText(report, SampleNow(), {}),
                                "latency             p50 500us  p90 900us  p99 990us  p99.9 999us\n"
                                "queue wait          p50 5us  p90 9us  p99 10us  p99.9 10us\n"
                                "deaths "));
}

TEST(StatusText, NamesTheHandlerThatRuns) {
  proto::StatusReport report = CalmStatus();
  report.mutable_processes(1)->set_handler("resize");
  EXPECT_TRUE(
      absl::StrContains(StatusText(report, SampleNow(), {}), "18014398509481985  250ms  resize\n"));
}

TEST(StatusText, CutsTablesAndNothingElse) {
  const std::string text = StatusText(TroubledStatus(), SampleNow(), {.columns = 38});
  EXPECT_TRUE(absl::StrContains(text, "worker     0  4243    1  serving  2h0…\n")) << text;
  EXPECT_TRUE(absl::StrContains(text, "in Spin() (fault.so+0x12), 4s ago\n"));
}

TEST(StatusText, ColoursStatesAndTrouble) {
  const std::string calm = StatusText(CalmStatus(), SampleNow(), {.colours = true});
  EXPECT_TRUE(absl::StrContains(calm, "pid 4242: \x1b[32mserving\x1b[0m\n"));
  EXPECT_FALSE(absl::StrContains(calm, "\x1b[1;31m"));
  const std::string troubled = StatusText(TroubledStatus(), SampleNow(), {.colours = true});
  EXPECT_TRUE(absl::StartsWith(troubled, "\x1b[1;31mFAILED: no pool process"));
  EXPECT_TRUE(absl::StrContains(troubled, "\x1b[1;31mwaiting\x1b[0m"));
  EXPECT_TRUE(absl::StrContains(troubled, "\x1b[33mdraining\x1b[0m"));
}

TEST(StatusText, HoldsNoBytesThatATerminalObeys) {
  const std::string nasty = "\x1b]0;title\x07\xff\n";
  proto::StatusReport report = TroubledStatus();
  report.set_version(nasty);
  report.set_state(nasty);
  report.set_config_source(nasty);
  report.mutable_last_reload()->set_message(nasty);
  report.add_failed_roles(nasty);
  report.mutable_listeners(0)->set_address(nasty);
  report.mutable_listeners(0)->set_protocol(nasty);
  report.mutable_generations(0)->set_state(nasty);
  report.mutable_generations(0)->set_note(nasty);
  report.mutable_processes(0)->set_role(nasty);
  report.mutable_processes(0)->set_state(nasty);
  report.mutable_totals()->mutable_errors_by_code(1)->set_code(nasty);
  const std::string text = StatusText(report, SampleNow(), {});
  EXPECT_EQ(text.find_first_of("\x1b\x07\xff"), std::string::npos) << text;
}

TEST(StatusText, OfAnEmptyReportIsStillText) {
  EXPECT_TRUE(absl::StrContains(StatusText(proto::StatusReport(), SampleNow(), {}), "TOTALS\n"));
}

TEST(ColourOfDeath, IsRedForWhatNobodyWanted) {
  EXPECT_EQ(ColourOfDeath("signal", false), Colour::kRed);
  EXPECT_EQ(ColourOfDeath("cgroup_oom", false), Colour::kRed);
  EXPECT_EQ(ColourOfDeath("deadline", false), Colour::kYellow);
  EXPECT_EQ(ColourOfDeath("scale", true), Colour::kNone);
}

TEST(ColourOfState, TellsGoodFromPassingFromBad) {
  EXPECT_EQ(ColourOfState("serving"), Colour::kGreen);
  EXPECT_EQ(ColourOfState("starting"), Colour::kYellow);
  EXPECT_EQ(ColourOfState("draining"), Colour::kYellow);
  EXPECT_EQ(ColourOfState("waiting"), Colour::kRed);
  EXPECT_EQ(ColourOfState("failed"), Colour::kRed);
  EXPECT_EQ(ColourOfState("of a newer server"), Colour::kNone);
}

}  // namespace
}  // namespace windlass
