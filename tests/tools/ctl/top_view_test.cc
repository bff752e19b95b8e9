#include "tools/ctl/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/report/printable_text.h"
#include "tests/common/report/sample_reports.h"
#include "tools/ctl/top_lines.h"

namespace windlass {
namespace {

using testing::HasSubstr;
using testing::Not;

TopPicture PictureOf(const proto::StatusReport& report) {
  TopPicture picture;
  picture.has_report = true;
  picture.report = report;
  picture.report.mutable_processes(1)->set_handler("search");
  const TopSample before{Instant{}, picture.report};
  proto::StatusReport* const after = &picture.report;
  after->mutable_totals()->set_requests(after->totals().requests() + 75'000);
  after->mutable_processes(0)->set_requests(after->processes(0).requests() + 75'000);
  picture.model = CompareSamples(&before, {Instant{} + absl::Seconds(1), *after});
  return picture;
}

// A server of many pool processes.
TopPicture CrowdedPicture(int processes) {
  proto::StatusReport report = CalmStatus();
  for (int i = 1; i < processes; ++i) {
    *report.add_processes() = report.processes(1);
    report.mutable_processes(i + 1)->set_slot(static_cast<uint32_t>(100 + i));
    report.mutable_processes(i + 1)->set_pid(10'000 + i);
  }
  return PictureOf(report);
}

std::string TextOf(const std::vector<TopLine>& lines) {
  std::string text;
  for (const TopLine& line : lines) {
    for (const TopSpan& span : line) text += span.text;
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  return text;
}

std::string Drawn(const TopPicture& picture, const TopControls& controls = {},
                  TopWindow window = {}) {
  return TextOf(DrawTop(picture, controls, window).lines);
}

Colour ColourOf(const TopDrawing& drawing, absl::string_view text) {
  for (const TopLine& line : drawing.lines) {
    for (const TopSpan& span : line) {
      if (absl::StrContains(span.text, text)) return span.colour;
    }
  }
  ADD_FAILURE() << "no " << text;
  return Colour::kNone;
}

TEST(DrawTop, FitsAnOrdinaryTerminal) {
  EXPECT_EQ(Drawn(PictureOf(CalmStatus())),
            R"(windlassd 0.1.0  serving  pid 4242  generation 1  up 2h05m  every 1s
requests/s 75.0k  jobs/s 0  errors/s 0  accepted/s 0
latency     p50 -  p90 -  p99 -  p99.9 -
queue wait  p50 -  p90 -  p99 -  p99.9 -  depth 0
connections 12  workers 1/1  pool 1/1  retries 0  deaths 0

PROCESSES  2 of 2, by PROCESS
PROCESS    PID  GEN  STATE      AGE   LOAD  RATE/S  CPU%    RSS    FOR  HANDLER
worker-0  4243    1  serving  2h05m     12   75.0k     -  12.3M
pool-8    4244    1  serving  3m12s  98.8k       0     -   9.0M  250ms  search

SLOWEST RUNNING JOBS
                 JOB       FOR PROCESS        PID  HANDLER
   18014398509481985     250ms pool-8        4244  search









 q quit  h help  s stacks  < > r sort  w p a filter  space pause  + - interval
)");
}

TEST(DrawTop, FitsAWindowOfAnySize) {
  TopPicture picture = CrowdedPicture(30);
  *picture.report.mutable_failed_roles()->Add() = "pool";
  picture.trouble = "no answer for 3s";
  picture.has_deaths = true;
  picture.deaths = SampleDeaths();
  for (const TopPage page : {TopPage::kProcesses, TopPage::kStacks, TopPage::kHelp}) {
    TopControls controls;
    controls.page = page;
    for (const size_t scroll : {size_t{0}, size_t{3}, SIZE_MAX / 2}) {
      controls.scroll = scroll;
      for (size_t rows = 0; rows < 70; ++rows) {
        for (size_t columns = 0; columns < 130; columns += columns < 20 ? 1 : 9) {
          const TopDrawing drawing = DrawTop(picture, controls, {rows, columns});
          ASSERT_LE(drawing.lines.size(), rows) << columns;
          ASSERT_GE(drawing.page_lines, 1u);
          for (const TopLine& line : drawing.lines) {
            ASSERT_LE(DisplayWidth(TextOf({line})) - 1, columns) << rows << "\n" << TextOf({line});
          }
        }
      }
    }
  }
}

TEST(DrawTop, FillsTheWindowSoThatTheKeysAreAtTheBottom) {
  for (const size_t rows : {4, 10, 24, 60}) {
    const TopDrawing drawing = DrawTop(PictureOf(CalmStatus()), {}, {rows, 80});
    ASSERT_EQ(drawing.lines.size(), rows);
    EXPECT_THAT(TextOf({drawing.lines.back()}), HasSubstr("q quit"));
    EXPECT_TRUE(drawing.lines.back()[0].reverse);
  }
}

TEST(DrawTop, NarrowWindowsKeepWhatMattersMost) {
  const std::string text = Drawn(PictureOf(CalmStatus()), {}, {24, 50});
  EXPECT_THAT(text, HasSubstr("PROCESS"));
  EXPECT_THAT(text, HasSubstr("RATE/S"));
  EXPECT_THAT(text, HasSubstr("HANDLER"));
  EXPECT_THAT(text, Not(HasSubstr("GEN")));
  EXPECT_THAT(text, Not(HasSubstr("RSS")));
}

TEST(DrawTop, LongListsScrollBelowTheNamesOfTheirColumns) {
  const TopPicture picture = CrowdedPicture(100);
  TopControls controls;
  EXPECT_THAT(Drawn(picture, controls), HasSubstr("worker-0"));
  controls.scroll = 5;
  const std::string scrolled = Drawn(picture, controls);
  EXPECT_THAT(scrolled, Not(HasSubstr("worker-0")));
  EXPECT_THAT(scrolled, HasSubstr("PROCESS  "));
  controls.scroll = SIZE_MAX / 2;
  const TopDrawing end = DrawTop(picture, controls, {});
  EXPECT_THAT(TextOf(end.lines), HasSubstr("pool-199"));
  EXPECT_EQ(end.scroll + end.page_lines, 101u);
}

TEST(DrawTop, ManyJobsDoNotPushOutTheProcesses) {
  const std::string text = Drawn(CrowdedPicture(100));
  EXPECT_THAT(text, HasSubstr("worker-0"));
  EXPECT_THAT(text, HasSubstr("SLOWEST RUNNING JOBS"));
}

TEST(DrawTop, SaysWhatIsWrongFirst) {
  TopPicture picture = PictureOf(TroubledStatus());
  picture.trouble = "no control socket\nat /run";
  const TopDrawing drawing = DrawTop(picture, {}, {});
  EXPECT_EQ(TextOf({drawing.lines[1], drawing.lines[2], drawing.lines[3]}),
            "no control socket at /run\n"
            "FAILED: no pool process can be started\n"
            "last reload FAILED: line 3: unknown key 'prot'\n");
  EXPECT_THAT(TextOf({drawing.lines[0]}), HasSubstr("  was degraded  "));
  EXPECT_EQ(ColourOf(drawing, "no control socket"), Colour::kRed);
  EXPECT_EQ(ColourOf(drawing, "degraded"), Colour::kYellow);
  picture.trouble.clear();
  EXPECT_EQ(ColourOf(DrawTop(picture, {}, {}), "degraded"), Colour::kRed);
  EXPECT_EQ(ColourOf(drawing, "waiting"), Colour::kRed);
}

TEST(DrawTop, WithoutAReportThereIsOnlyTheTrouble) {
  TopPicture picture;
  picture.trouble = "trying again every second: no control socket";
  const std::string text = Drawn(picture, {}, {6, 80});
  EXPECT_EQ(text,
            "windlassd  every 1s\n"
            "trying again every second: no control socket\n"
            "\n\n\n"
            " q quit  h help  s stacks  < > r sort  w p a filter  space pause  + - interval\n");
}

TEST(DrawTop, TroubleTakesUpToThreeLines) {
  TopPicture picture;
  picture.trouble = "trying again: no control socket at /run/windlass/control.sock: is it running?";
  EXPECT_THAT(Drawn(picture, {}, {24, 40}), HasSubstr("trying again: no control socket at\n"
                                                      "/run/windlass/control.sock: is it\n"
                                                      "running?\n"));
  EXPECT_THAT(Drawn(picture, {}, {24, 20}), HasSubstr("trying again: no\n"
                                                      "control socket at\n"
                                                      "/run/windlass/contr…\n"));
}

TEST(DrawTop, SaysHowLongRequestsTook) {
  proto::StatusReport before = CalmStatus();
  before.mutable_latency()->add_upper_us(1000);
  before.mutable_latency()->add_counts(500);
  before.mutable_latency()->add_counts(0);
  before.mutable_queue_wait()->CopyFrom(before.latency());
  proto::StatusReport after = before;
  after.mutable_latency()->set_counts(0, 1500);
  after.mutable_queue_wait()->set_counts(1, 10);
  TopPicture picture;
  picture.has_report = true;
  picture.report = after;
  const TopSample first{Instant{}, before};
  picture.model = CompareSamples(&first, {Instant{} + absl::Seconds(1), after});
  EXPECT_THAT(
      Drawn(picture),
      HasSubstr("latency     p50 500us  p90 900us  p99 990us  p99.9 999us\n"
                "queue wait  p50 >1.00ms  p90 >1.00ms  p99 >1.00ms  p99.9 >1.00ms  depth 0\n"));
}

TEST(DrawTop, SaysHowTheListIsOrderedAndThatItIsPaused) {
  TopControls controls;
  controls.order = {TopColumn::kCpu, true, TopFilter::kPool};
  controls.paused = true;
  controls.interval = absl::Milliseconds(500);
  const TopDrawing drawing = DrawTop(PictureOf(CalmStatus()), controls, {});
  const std::string text = TextOf(drawing.lines);
  EXPECT_THAT(text, HasSubstr("PROCESSES  1 of 2, by CPU%, largest first, pool only\n"));
  EXPECT_THAT(text, HasSubstr("every 500ms  PAUSED\n"));
  EXPECT_THAT(text, Not(HasSubstr("worker-0")));
}

TEST(DrawTop, StacksAreThoseOfDeathsAndSlowJobsTheLatestFirst) {
  TopPicture picture = PictureOf(CalmStatus());
  TopControls controls;
  controls.page = TopPage::kStacks;
  EXPECT_THAT(Drawn(picture, controls), HasSubstr("asking the server"));
  picture.has_deaths = true;
  picture.deaths = SampleDeaths();
  picture.deaths.mutable_slow(0)->set_time_unix_ms(kSampleNowMs - 1000);
  const TopDrawing drawing = DrawTop(picture, controls, {});
  EXPECT_THAT(TextOf(drawing.lines),
              HasSubstr(
                  R"(DEATHS AND SLOW JOBS  5 and 3 since the start, the latest first

2026-01-31T12:00:00Z  pool-8 (pid 4200) was killed by SIGSEGV (Segmentation fau…
  search, job 18014398509481985, ran 20ms, 123 bytes
  #0 Spin() (fault.so+0x12)
  #1 0x7f0000000010

2026-01-31T11:59:59Z  pool-1 (pid 4243) slow: image after 15s
  job 18014398509481985
  #0 Blur() (image.so+0x99)
)"));
  EXPECT_EQ(ColourOf(drawing, "SIGSEGV"), Colour::kRed);
}

TEST(DrawTop, HoldsNoBytesThatATerminalObeys) {
  const std::string nasty = "\x1b]0;title\x07\xff\n";
  proto::StatusReport report = TroubledStatus();
  report.set_version(nasty);
  report.set_state(nasty);
  report.add_failed_roles(nasty);
  for (int i = 0; i < 2; ++i) {
    report.mutable_processes(i)->set_role(nasty);
    report.mutable_processes(i)->set_state(nasty);
    report.mutable_processes(i)->set_handler(nasty);
    report.mutable_processes(i)->set_job_id(7);
  }
  TopPicture picture = PictureOf(report);
  picture.trouble = nasty;
  picture.has_deaths = true;
  picture.deaths = SampleDeaths();
  picture.deaths.mutable_deaths(0)->set_cause(nasty);
  picture.deaths.mutable_deaths(0)->set_handler(nasty);
  picture.deaths.mutable_deaths(0)->set_no_stack(nasty);
  picture.deaths.mutable_deaths(0)->add_stack(nasty);
  picture.deaths.mutable_slow(0)->set_handler(nasty);
  picture.deaths.mutable_slow(0)->set_process(nasty);
  TopControls controls;
  for (const TopPage page : {TopPage::kProcesses, TopPage::kStacks}) {
    controls.page = page;
    for (const TopLine& line : DrawTop(picture, controls, {60, 200}).lines) {
      for (const TopSpan& span : line) {
        EXPECT_EQ(span.text.find_first_of("\x1b\x07\xff\n"), std::string::npos) << span.text;
      }
    }
  }
}

TEST(TopHelp, FitsAnOrdinaryTerminal) {
  TopControls controls;
  controls.page = TopPage::kHelp;
  const TopDrawing drawing = DrawTop(PictureOf(CalmStatus()), controls, {});
  for (const TopLine& line : TopHelp()) {
    EXPECT_LE(DisplayWidth(TextOf({line})) - 1, 80u) << TextOf({line});
  }
  EXPECT_THAT(TextOf(drawing.lines), HasSubstr("Ctrl-C"));
}

TEST(ShortNumbers, AreAtMostFiveCharacters) {
  EXPECT_EQ(ShortRate(0), "0");
  EXPECT_EQ(ShortRate(0.25), "0.2");
  EXPECT_EQ(ShortRate(9.94), "9.9");
  EXPECT_EQ(ShortRate(9.96), "10");
  EXPECT_EQ(ShortRate(9999.4), "9999");
  EXPECT_EQ(ShortRate(9999.6), "10.0k");
  EXPECT_EQ(ShortRate(123'456), "123k");
  EXPECT_EQ(ShortRate(999'600), "1.0M");
  EXPECT_EQ(ShortCount(7), "7");
  EXPECT_EQ(ShortCount(9'999), "9999");
  EXPECT_EQ(ShortCount(98'765), "98.8k");
  EXPECT_EQ(ShortSize(812), "812");
  EXPECT_EQ(ShortSize(12'897'485), "12.3M");
}

}  // namespace
}  // namespace windlass
