#include "worker/admin/readiness.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

void AddProcess(proto::StatusReport* report, const char* role, uint32_t generation,
                const char* state = "serving", const char* pool = "") {
  proto::StatusReport::Process& process = *report->add_processes();
  process.set_pool(pool);
  process.set_role(role);
  process.set_generation(generation);
  process.set_state(state);
}

// Of generation 2, with one process of each kind that serves.
proto::StatusReport Report(const char* state) {
  proto::StatusReport report;
  report.set_state(state);
  report.set_generation(2);
  AddProcess(&report, "worker", 2);
  AddProcess(&report, "pool", 2, "serving", "default");
  report.add_pools()->set_name("default");
  return report;
}

std::string WhyNot(const proto::StatusReport& report) {
  const Readiness readiness = ReadinessOf(report);
  return readiness.is_ready ? "" : readiness.why;
}

TEST(Readiness, IsThereWhileServingReloadingAndDegraded) {
  for (const char* state : {"serving", "reloading", "degraded"}) {
    EXPECT_EQ(WhyNot(Report(state)), "") << state;
  }
}

TEST(Readiness, IsNotThereAtTheStartAndAtTheEnd) {
  EXPECT_EQ(WhyNot(Report("starting")), "the server is starting");
  EXPECT_EQ(WhyNot(Report("draining")), "the server is stopping");
  EXPECT_EQ(WhyNot(Report("ending")), "the server is stopping");
}

TEST(Readiness, NeedsAWorkerAndAPoolProcessOfTheGenerationThatServes) {
  proto::StatusReport report = Report("serving");
  report.mutable_processes(0)->set_generation(1);
  EXPECT_EQ(WhyNot(report), "no worker is ready");
  AddProcess(&report, "worker", 2, "starting");
  EXPECT_EQ(WhyNot(report), "no worker is ready");
  AddProcess(&report, "worker", 2);
  EXPECT_EQ(WhyNot(report), "");
  report.mutable_processes(1)->set_state("waiting");
  EXPECT_EQ(WhyNot(report), "no pool process is ready");
  report.add_failed_roles("pool");
  EXPECT_EQ(WhyNot(report), "no pool process is ready: none can be started");
}

TEST(Readiness, GoesWithoutAnotherPoolOnlyWhileThatIsBeingReplaced) {
  proto::StatusReport report = Report("serving");
  report.add_pools()->set_name("images");
  AddProcess(&report, "pool", 2, "waiting", "images");
  EXPECT_EQ(WhyNot(report), "");
  report.add_failed_roles("pool.images");
  EXPECT_EQ(WhyNot(report), "no pool process of pool images is ready: none can be started");
  report.mutable_processes(2)->set_state("serving");
  EXPECT_EQ(WhyNot(report), "");
  report.mutable_processes(1)->set_state("waiting");
  EXPECT_EQ(WhyNot(report), "no pool process is ready") << "another pool's does not stand in";
}

}  // namespace
}  // namespace windlass
