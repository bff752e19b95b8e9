#include "tools/ctl/top_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/report/sample_reports.h"

namespace windlass {
namespace {

using testing::ElementsAre;

TopSample At(int64_t ms, const proto::StatusReport& report) {
  TopSample sample{Instant{} + absl::Milliseconds(ms), report};
  sample.report.set_uptime_ms(1000 + ms);
  return sample;
}

// As the calm server, half a second later: 50 requests and 20 jobs more.
proto::StatusReport HalfASecondLater() {
  proto::StatusReport report = CalmStatus();
  report.mutable_totals()->set_requests(report.totals().requests() + 50);
  report.mutable_totals()->set_jobs(report.totals().jobs() + 20);
  report.mutable_totals()->mutable_errors_by_code(0)->set_count(1);
  report.mutable_totals()->set_deaths(2);
  report.mutable_processes(0)->set_requests(report.processes(0).requests() + 50);
  report.mutable_processes(0)->set_cpu_ms(100);
  report.mutable_processes(1)->set_jobs(report.processes(1).jobs() + 20);
  report.mutable_processes(1)->set_cpu_ms(450);
  return report;
}

TEST(CompareSamples, GivesRatesByTheClockOfWhoAsks) {
  const TopSample first = At(0, CalmStatus());
  const TopModel model = CompareSamples(&first, At(500, HalfASecondLater()));
  EXPECT_EQ(model.rates.requests, 100);
  EXPECT_EQ(model.rates.jobs, 40);
  EXPECT_EQ(model.rates.errors, 2);
  EXPECT_EQ(model.rates.accepted, 0);
  EXPECT_EQ(model.rates.deaths, 2u);
  ASSERT_EQ(model.processes.size(), 2u);
  EXPECT_EQ(model.processes[0].name(), "worker-0");
  EXPECT_EQ(model.processes[0].load, 12u);  // connections
  EXPECT_EQ(model.processes[0].rate, 100);
  EXPECT_EQ(model.processes[0].cpu, 20);
  EXPECT_EQ(model.processes[1].load, 98785u);  // jobs done
  EXPECT_EQ(model.processes[1].rate, 40);
  EXPECT_EQ(model.processes[1].cpu, 90);
}

TEST(CompareSamples, TheFirstSampleHasNoRates) {
  const TopModel model = CompareSamples(nullptr, At(0, CalmStatus()));
  EXPECT_EQ(model.rates.requests, std::nullopt);
  EXPECT_EQ(model.rates.deaths, std::nullopt);
  EXPECT_EQ(model.processes[0].rate, std::nullopt);
  EXPECT_EQ(model.processes[0].load, 12u);
}

TEST(CompareSamples, AServerThatWasStartedAgainHasNoRatesOnce) {
  proto::StatusReport again = HalfASecondLater();
  again.set_pid(5000);
  const TopSample first = At(0, CalmStatus()), second = At(1000, again), third = At(2000, again);
  EXPECT_EQ(CompareSamples(&first, second).rates.requests, std::nullopt);
  EXPECT_EQ(CompareSamples(&second, third).rates.requests, 0);
}

TEST(CompareSamples, AServerWithTheSamePidThatIsYoungerIsAnother) {
  const TopSample first = At(5000, CalmStatus());  // as in a container, where it always has pid 1
  TopSample second = At(6000, HalfASecondLater());
  second.report.set_uptime_ms(100);
  EXPECT_EQ(CompareSamples(&first, second).rates.requests, std::nullopt);
}

TEST(CompareSamples, ACounterThatWentBackHasNoRateAndLeavesTheOthers) {
  proto::StatusReport report = HalfASecondLater();
  report.mutable_totals()->set_requests(1);
  report.mutable_processes(0)->set_requests(1);
  const TopSample first = At(0, CalmStatus());
  const TopModel model = CompareSamples(&first, At(500, report));
  EXPECT_EQ(model.rates.requests, std::nullopt);
  EXPECT_EQ(model.rates.jobs, 40);
  EXPECT_EQ(model.processes[0].rate, std::nullopt);
  EXPECT_EQ(model.processes[0].cpu, 20);
}

TEST(CompareSamples, AProcessThatWasReplacedHasNoRateAtFirst) {
  proto::StatusReport report = HalfASecondLater();
  report.mutable_processes(1)->set_pid(9999);
  const TopSample first = At(0, CalmStatus());
  const TopModel model = CompareSamples(&first, At(500, report));
  EXPECT_EQ(model.processes[0].rate, 100);
  EXPECT_EQ(model.processes[1].rate, std::nullopt);
  EXPECT_EQ(model.processes[1].cpu, std::nullopt);
}

TEST(CompareSamples, SamplesOfTheSameMomentHaveNoRates) {
  const TopSample first = At(0, CalmStatus());
  EXPECT_EQ(CompareSamples(&first, At(0, HalfASecondLater())).rates.requests, std::nullopt);
}

TEST(CompareSamples, AServerThatDoesNotSayCpuTimeHasNone) {
  const TopSample first = At(0, CalmStatus());
  const TopModel model = CompareSamples(&first, At(500, CalmStatus()));
  EXPECT_EQ(model.processes[0].cpu, std::nullopt);
  EXPECT_EQ(model.processes[0].rate, 0);
}

TEST(CompareSamples, OtherRolesHaveNoLoadAndNoRate) {
  proto::StatusReport report = CalmStatus();
  report.mutable_processes(0)->set_role("zygote");
  const TopSample first = At(0, report);
  const TopModel model = CompareSamples(&first, At(500, report));
  EXPECT_EQ(model.processes[0].load, std::nullopt);
  EXPECT_EQ(model.processes[0].rate, std::nullopt);
}

TEST(CompareSamples, HistogramsAreThoseOfTheInterval) {
  proto::StatusReport before = CalmStatus();
  before.mutable_latency()->add_upper_us(10);
  before.mutable_latency()->add_counts(100);
  before.mutable_latency()->add_counts(0);
  proto::StatusReport after = before;
  after.mutable_latency()->set_counts(1, 3);
  const TopSample first = At(0, before);
  const TopModel model = CompareSamples(&first, At(500, after));
  EXPECT_THAT(model.rates.latency.counts(), ElementsAre(0, 3));
  EXPECT_EQ(model.rates.queue_wait.counts_size(), 0);
}

TEST(CompareSamples, RunningJobsAreThereTheLongestFirst) {
  proto::StatusReport report = CalmStatus();
  for (const int ms : {100, 9000, 300}) {
    proto::StatusReport::Process* const process = report.add_processes();
    *process = report.processes(1);
    process->set_slot(static_cast<uint32_t>(ms));
    process->set_job_ms(ms);
    process->set_handler("burn\n");
  }
  const TopModel model = CompareSamples(nullptr, At(0, report));
  std::vector<std::string> names;
  for (const TopProcess& one : model.running) names.push_back(one.name());
  EXPECT_THAT(names, ElementsAre("pool-9000", "pool-300", "pool-8", "pool-100"));
  EXPECT_EQ(model.running[0].handler, "burn ");  // fit for a terminal
}

TopProcess Process(const std::string& role, uint32_t slot, std::optional<double> rate) {
  TopProcess process;
  process.role = role;
  process.slot = slot;
  process.rate = rate;
  return process;
}

std::vector<std::string> Names(const TopOrder& order) {
  const std::vector<TopProcess> processes = {
      Process("zygote", 0, std::nullopt), Process("pool", 10, 5), Process("pool", 2, 7),
      Process("worker", 1, 5), Process("worker", 0, std::nullopt)};
  std::vector<std::string> names;
  for (const TopProcess& one : Arrange(processes, order)) names.push_back(one.name());
  return names;
}

TEST(Arrange, ByProcessIsByRoleAndNumber) {
  EXPECT_THAT(Names({}), ElementsAre("worker-0", "worker-1", "pool-2", "pool-10", "zygote-0"));
  EXPECT_THAT(Names({TopColumn::kProcess, true, TopFilter::kAll}),
              ElementsAre("zygote-0", "pool-10", "pool-2", "worker-1", "worker-0"));
}

TEST(Arrange, WhatHasNoValueIsLastInBothDirections) {
  EXPECT_THAT(Names({TopColumn::kRate, false, TopFilter::kAll}),
              ElementsAre("worker-1", "pool-10", "pool-2", "worker-0", "zygote-0"));
  EXPECT_THAT(Names({TopColumn::kRate, true, TopFilter::kAll}),
              ElementsAre("pool-2", "worker-1", "pool-10", "worker-0", "zygote-0"));
}

TEST(Arrange, LetsThroughWhatTheFilterSays) {
  EXPECT_THAT(Names({TopColumn::kProcess, false, TopFilter::kWorkers}),
              ElementsAre("worker-0", "worker-1"));
  EXPECT_THAT(Names({TopColumn::kProcess, false, TopFilter::kPool}),
              ElementsAre("pool-2", "pool-10"));
}

TEST(Arrange, EveryColumnOrdersSomething) {
  TopProcess low = Process("worker", 1, 1), high = Process("worker", 0, 2);
  low.pid = 10, high.pid = 11;
  low.generation = 1, high.generation = 2;
  low.state = "draining", high.state = "serving";
  low.age = absl::Seconds(1), high.age = absl::Seconds(2);
  low.load = 3, high.load = 4;
  low.cpu = 5, high.cpu = 6;
  low.rss_bytes = 7, high.rss_bytes = 8;
  low.job = high.job = 1;
  low.ran = absl::Seconds(1), high.ran = absl::Seconds(2);
  low.handler = "a", high.handler = "b";
  for (size_t i = 1; i < kTopColumnCount; ++i) {
    const auto column = static_cast<TopColumn>(i);
    EXPECT_EQ(Arrange({high, low}, {column, false, TopFilter::kAll})[0].slot, 1u) << i;
    EXPECT_EQ(Arrange({low, high}, {column, true, TopFilter::kAll})[0].slot, 0u) << i;
  }
}

}  // namespace
}  // namespace windlass
