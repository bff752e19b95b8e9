#include "master/service_counts.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "master/death_log.h"

namespace windlass {
namespace {

TEST(ServiceCounts, KeepTheLatestReloadsAndCountAll) {
  ServiceCounts counts;
  for (int i = 0; i < 40; ++i) {
    counts.OnReloadEnded({absl::FromUnixSeconds(i), i % 4 != 0, absl::StrCat("reload ", i)});
  }
  ASSERT_EQ(counts.reloads().size(), ServiceCounts::kKeptReloads);
  EXPECT_EQ(counts.reloads().front().message, "reload 24");
  EXPECT_EQ(counts.reloads().back().message, "reload 39");
  EXPECT_EQ(counts.reloads_ok(), 30u);
  EXPECT_EQ(counts.reloads_failed(), 10u);
}

TEST(ServiceCounts, SayNoLessOfARoleWhenItsProcessesDieOrCannotBeLookedAt) {
  ServiceCounts counts;
  EXPECT_EQ(counts.CpuOf(Role::kPool, absl::Seconds(3)), absl::Seconds(3));
  counts.OnGone(Role::kPool, absl::Seconds(2));
  EXPECT_EQ(counts.CpuOf(Role::kPool, absl::Seconds(1)), absl::Seconds(3));
  EXPECT_EQ(counts.CpuOf(Role::kPool, absl::ZeroDuration()), absl::Seconds(3));
  EXPECT_EQ(counts.CpuOf(Role::kPool, absl::Seconds(2)), absl::Seconds(4));
  EXPECT_EQ(counts.CpuOf(Role::kWorker, absl::ZeroDuration()), absl::ZeroDuration());
}

TEST(ServiceCounts, GoOnInTheNextBinary) {
  ServiceCounts before;
  before.OnRestart();
  before.OnRestart();
  before.OnReloadEnded({absl::FromUnixSeconds(5), false, "no"});
  before.OnGone(Role::kWorker, absl::Seconds(7));
  EXPECT_EQ(before.CpuOf(Role::kWorker, absl::Seconds(4)), absl::Seconds(11));
  proto::UpgradeState state;
  before.Describe(&state);
  ServiceCounts after;
  after.Adopt(state);
  EXPECT_EQ(after.restarts(), 2u);
  EXPECT_EQ(after.reloads_failed(), 1u);
  ASSERT_EQ(after.reloads().size(), 1u);
  EXPECT_EQ(after.reloads()[0].message, "no");
  EXPECT_EQ(after.reloads()[0].when, absl::FromUnixSeconds(5));
  EXPECT_EQ(after.CpuOf(Role::kWorker, absl::ZeroDuration()), absl::Seconds(11));
  after.OnGone(Role::kWorker, absl::Seconds(6));
  EXPECT_EQ(after.CpuOf(Role::kWorker, absl::ZeroDuration()), absl::Seconds(13));
}

TEST(ServiceCounts, TakeNothingFromAStateThatMakesNoSense) {
  proto::UpgradeState state;
  state.add_cpu()->set_role(77);
  for (int i = 0; i < 100; ++i) state.add_ends_of_reloads()->set_message(absl::StrCat(i));
  ServiceCounts counts;
  counts.Adopt(state);
  EXPECT_EQ(counts.reloads().size(), ServiceCounts::kKeptReloads);
  EXPECT_EQ(counts.reloads().back().message, "99");
}

}  // namespace
}  // namespace windlass
