#include "master/oom_counter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

using testing::Optional;

// A machine's /proc and cgroup files in a folder.
class OomCounterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "oom_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void UseV1() {
    Write("/proc/self/cgroup", "9:memory:/system.slice/w.service\n0::/\n");
    Write("/proc/self/mountinfo",
          "30 1 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  }
  void SetV1(int kills) {
    Write("/sys/fs/cgroup/memory/system.slice/w.service/memory.oom_control",
          absl::StrCat("oom_kill_disable 0\nunder_oom 0\noom_kill ", kills, "\n"));
  }
  void UseV2() {
    Write("/proc/self/cgroup", "0::/w.service\n");
    Write("/proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  }
  void SetV2(int kills) {
    Write("/sys/fs/cgroup/w.service/memory.events",
          absl::StrCat("low 0\nhigh 0\nmax 3\noom 7\noom_kill ", kills, "\noom_group_kill 0\n"));
  }

  std::string root_;
};

TEST_F(OomCounterTest, ExplainsAsManyDeathsAsTheCgroupHasCounted) {
  UseV1();
  SetV1(4);
  OomCounter counter(root_);
  EXPECT_EQ(counter.Explain(), std::nullopt) << "what was counted before is no news";
  SetV1(6);
  const std::string cgroup = "/sys/fs/cgroup/memory/system.slice/w.service";
  EXPECT_THAT(counter.Explain(), Optional(cgroup));
  EXPECT_THAT(counter.Explain(), Optional(cgroup));
  EXPECT_EQ(counter.Explain(), std::nullopt);
}

TEST_F(OomCounterTest, ReadsVersion2) {
  UseV2();
  SetV2(0);
  OomCounter counter(root_);
  EXPECT_EQ(counter.Explain(), std::nullopt);
  SetV2(1);
  EXPECT_THAT(counter.Explain(), Optional(std::string("/sys/fs/cgroup/w.service")));
  EXPECT_EQ(counter.Explain(), std::nullopt);
}

TEST_F(OomCounterTest, CountsOfTheCgroupsAboveAreNotOurs) {
  UseV1();
  SetV1(0);
  Write("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill 0\n");
  OomCounter counter(root_);
  Write("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill 9\n");
  EXPECT_EQ(counter.Explain(), std::nullopt);
}

TEST_F(OomCounterTest, AKillThatWasNobodysOfOursExplainsNothingLater) {
  UseV1();
  SetV1(0);
  OomCounter counter(root_);
  Instant now{1'000'000'000'000};
  SetV1(2);
  counter.ForgetOld(now);
  counter.ForgetOld(now + absl::Seconds(9));
  EXPECT_NE(counter.Explain(), std::nullopt) << "a process may take long to end";
  counter.ForgetOld(now + absl::Seconds(11));
  EXPECT_EQ(counter.Explain(), std::nullopt);
  SetV1(3);
  counter.ForgetOld(now + absl::Seconds(12));
  EXPECT_NE(counter.Explain(), std::nullopt);
}

TEST_F(OomCounterTest, WithoutACountNothingIsExplained) {
  OomCounter counter(root_);
  EXPECT_EQ(counter.Explain(), std::nullopt);
  UseV1();
  SetV1(1);
  OomCounter other(root_);
  std::filesystem::remove_all(root_ + "/sys");
  EXPECT_EQ(other.Explain(), std::nullopt);
}

}  // namespace
}  // namespace windlass
