#include "master/survey_report.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

constexpr Instant kNow{1'000'000'000'000};
constexpr uint64_t kOddTimes[] = {0, INT64_MAX, uint64_t{1} << 63, UINT64_MAX};

class SurveyReportTest : public testing::Test {
 protected:
  Config config_;
  const SurveyedWorker worker_{config_, {}, 1, 2, 3};
  proto::Report::Surveyed surveyed_;
};

TEST_F(SurveyReportTest, SaysHowLongAgoAndHowLongStill) {
  auto* const job = surveyed_.add_jobs();
  job->set_created_ns(static_cast<uint64_t>(kNow.ns) - 5'000'000);
  job->set_deadline_ns(static_cast<uint64_t>(kNow.ns) + 7'000'000);
  proto::JobsReport report;
  AddJobs(worker_, surveyed_, kNow, &report);
  ASSERT_EQ(report.jobs_size(), 1);
  EXPECT_EQ(report.jobs(0).age_ms(), 5);
  EXPECT_EQ(report.jobs(0).deadline_ms(), 7);
  EXPECT_EQ(report.jobs(0).handler(), "(not known yet)");
}

TEST_F(SurveyReportTest, TakesAnyTimeFromAWorkerThatIsBroken) {
  for (const uint64_t odd : kOddTimes) {
    auto* const job = surveyed_.add_jobs();
    job->set_created_ns(odd);
    job->set_deadline_ns(odd);
    auto* const connection = surveyed_.add_connections();
    connection->set_accepted_ns(odd);
    connection->set_listener(UINT32_MAX);
  }
  proto::JobsReport jobs;
  AddJobs(worker_, surveyed_, kNow, &jobs);
  proto::ConnectionsReport connections;
  AddConnections(worker_, surveyed_, kNow, &connections);
  for (int i = 0; i < jobs.jobs_size(); ++i) {
    EXPECT_EQ(jobs.jobs(i).age_ms(), -jobs.jobs(i).deadline_ms());
    EXPECT_EQ(jobs.jobs(i).age_ms(), connections.connections(i).age_ms());
  }
  // The far future, and the far past.
  EXPECT_LT(jobs.jobs(1).age_ms(), 0);
  EXPECT_GT(jobs.jobs(2).age_ms(), 0);
}

}  // namespace
}  // namespace windlass
