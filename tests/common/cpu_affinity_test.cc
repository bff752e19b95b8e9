#include "common/cpu_affinity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <set>

namespace windlass {
namespace {

using testing::ElementsAre;
using testing::ExitedWithCode;

TEST(ShareOfCpus, DealsOutEveryCpuOnce) {
  for (size_t cpus = 1; cpus <= 9; ++cpus) {
    std::vector<int> all;
    for (size_t i = 0; i < cpus; ++i) all.push_back(static_cast<int>(3 * i));
    for (size_t sharers = 1; sharers <= cpus; ++sharers) {
      std::multiset<int> dealt;
      for (size_t index = 0; index < sharers; ++index) {
        const std::vector<int> share = ShareOfCpus(all, index, sharers);
        EXPECT_GE(share.size(), cpus / sharers);
        EXPECT_LE(share.size(), (cpus + sharers - 1) / sharers);
        dealt.insert(share.begin(), share.end());
      }
      EXPECT_EQ(std::vector<int>(dealt.begin(), dealt.end()), all) << sharers;
    }
  }
}

TEST(ShareOfCpus, KeepsTheThreadsOfOneCoreTogether) {
  // Four cores: the first threads are 0 to 3, the second ones 4 to 7.
  EXPECT_THAT(ShareOfCpus({0, 1, 2, 3, 4, 5, 6, 7}, 1, 4), ElementsAre(1, 5));
}

TEST(ShareOfCpus, IsAllWhenThereAreMoreSharersThanCpus) {
  EXPECT_THAT(ShareOfCpus({2, 3}, 2, 3), ElementsAre(2, 3));
  EXPECT_THAT(ShareOfCpus({}, 0, 1), ElementsAre());
}

// In a process of its own: it is for good.
TEST(RunOnCpus, IsWhatTheProcessMayUseFromThenOn) {
  const std::vector<int> before = AllowedCpus();
  ASSERT_FALSE(before.empty());
  const std::vector<int> last = {before.back()};
  EXPECT_EXIT(
      {
        const bool moved = RunOnCpus(last).ok() && AllowedCpus() == last;
        exit(moved && RunOnCpus(before).ok() && AllowedCpus() == before ? 0 : 1);
      },
      ExitedWithCode(0), "");
  EXPECT_EQ(AllowedCpus(), before);
}

TEST(RunOnCpus, RefusesWhatIsNotThere) {
  const std::vector<int> before = AllowedCpus();
  EXPECT_FALSE(RunOnCpus({}).ok());
  EXPECT_FALSE(RunOnCpus({100'000}).ok());
  EXPECT_EQ(AllowedCpus(), before);
}

}  // namespace
}  // namespace windlass
