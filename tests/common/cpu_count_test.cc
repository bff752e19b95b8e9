#include "common/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

// A fake file system root: Write("/proc/self/cgroup", ...).
class CpuCountTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "cpu_count_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    ASSERT_EQ(sched_getaffinity(0, sizeof(saved_), &saved_), 0);
  }
  void TearDown() override {
    sched_setaffinity(0, sizeof(saved_), &saved_);
    std::filesystem::remove_all(root_);
  }

  void Write(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << content;
  }
  // /proc as a container with cgroup v2 has it, with this process in `cgroup`.
  void UseV2(const std::string& cgroup) {
    Write("/proc/self/cgroup", absl::StrCat("0::", cgroup, "\n"));
    Write("/proc/self/mountinfo",
          "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  void UseMemTotal() { Write("/proc/meminfo", "MemTotal:        8388608 kB\nMemFree:  1 kB\n"); }

  CpuCount Cpus() { return CountUsableCpus(root_); }
  UsableMemory Memory() { return UsableMemoryBytes(root_); }
  int affinity() const { return CPU_COUNT(&saved_); }

  std::string root_;
  cpu_set_t saved_;
};

TEST(CombineCpuLimits, RoundsTheQuotaUp) {
  EXPECT_EQ(CombineCpuLimits(8, CpuQuota{0.5, "/q"}).count, 1);
  EXPECT_EQ(CombineCpuLimits(8, CpuQuota{2.0, "/q"}).count, 2);
  EXPECT_EQ(CombineCpuLimits(8, CpuQuota{2.01, "/q"}).count, 3);
}

TEST(CombineCpuLimits, NeverExceedsTheAffinity) {
  EXPECT_EQ(CombineCpuLimits(2, CpuQuota{16, "/q"}).count, 2);
  EXPECT_EQ(CombineCpuLimits(2, CpuQuota{1e18, "/q"}).count, 2);
}

TEST(CombineCpuLimits, IsAtLeastOne) {
  EXPECT_EQ(CombineCpuLimits(8, CpuQuota{0.001, "/q"}).count, 1);
  EXPECT_EQ(CombineCpuLimits(0, std::nullopt).count, 1);
}

TEST(CombineCpuLimits, SaysHowItCounted) {
  EXPECT_EQ(CombineCpuLimits(2, std::nullopt).derivation, "2: affinity 2, no cgroup quota");
  EXPECT_EQ(CombineCpuLimits(8, CpuQuota{0.5, "/sys/fs/cgroup/x/cpu.max"}).derivation,
            "1: affinity 8, cgroup quota 0.50 (/sys/fs/cgroup/x/cpu.max)");
}

TEST_F(CpuCountTest, IsTheAffinityWhereNothingElseIsKnown) {
  EXPECT_EQ(Cpus().count, affinity());
  EXPECT_EQ(Cpus().derivation,
            absl::StrCat(affinity(), ": affinity ", affinity(), ", no cgroup quota"));
}

TEST_F(CpuCountTest, FollowsTheAffinityMask) {
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &saved_)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(Cpus().derivation, "1: affinity 1, no cgroup quota");
}

TEST_F(CpuCountTest, ReadsV2CpuMaxOfItsOwnCgroup) {
  UseV2("/x");
  Write("/sys/fs/cgroup/x/cpu.max", "50000 100000\n");
  EXPECT_EQ(Cpus().count, 1);
  EXPECT_NE(Cpus().derivation.find("cgroup quota 0.50 (/sys/fs/cgroup/x/cpu.max)"),
            std::string::npos)
      << Cpus().derivation;
}

TEST_F(CpuCountTest, TakesTheTightestV2QuotaUpToTheRoot) {
  UseV2("/a/b/c");
  Write("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/a/cpu.max", "25000 100000\n");
  Write("/sys/fs/cgroup/cpu.max", "90000 100000\n");
  EXPECT_NE(Cpus().derivation.find("0.25 (/sys/fs/cgroup/a/cpu.max)"), std::string::npos)
      << Cpus().derivation;
}

TEST_F(CpuCountTest, KnowsThatMaxIsNoQuota) {
  UseV2("/x");
  Write("/sys/fs/cgroup/x/cpu.max", "max 100000\n");
  EXPECT_NE(Cpus().derivation.find("no cgroup quota"), std::string::npos) << Cpus().derivation;
}

TEST_F(CpuCountTest, IgnoresAQuotaThatIsGarbage) {
  UseV2("/x");
  for (const char* garbage : {"", "50000", "50000 0", "-5 100000", "a b", "nan nan"}) {
    Write("/sys/fs/cgroup/x/cpu.max", garbage);
    EXPECT_NE(Cpus().derivation.find("no cgroup quota"), std::string::npos)
        << garbage << ": " << Cpus().derivation;
  }
}

TEST_F(CpuCountTest, ReadsV1QuotaWhereMountinfoSaysItIs) {
  Write("/proc/self/cgroup", "4:memory:/\n2:cpu,cpuacct:/docker/id/x\n1:name=systemd:/\n");
  // Mounted with the container's cgroup as its root, at a place with a blank in it.
  Write("/proc/self/mountinfo",
        "33 31 0:30 /docker/id /my\\040cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n");
  Write("/my cgroup/cpu/x/cpu.cfs_quota_us", "-1\n");
  Write("/my cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
  Write("/my cgroup/cpu/cpu.cfs_quota_us", "20000\n");
  Write("/my cgroup/cpu/cpu.cfs_period_us", "50000\n");
  EXPECT_NE(Cpus().derivation.find("0.40 (/my cgroup/cpu/cpu.cfs_quota_us)"), std::string::npos)
      << Cpus().derivation;
}

TEST_F(CpuCountTest, ReadsV1QuotaInTheConventionalPlacesWithoutMountinfo) {
  Write("/proc/self/cgroup", "2:cpu,cpuacct:/x\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "70000\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
  EXPECT_NE(Cpus().derivation.find("0.70 (/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us)"),
            std::string::npos)
      << Cpus().derivation;
}

TEST_F(CpuCountTest, UsesTheMountsOwnRootForACgroupOutsideOfIt) {
  for (const char* outside : {"/../other", "/host/path"}) {
    Write("/proc/self/cgroup", absl::StrCat("0::", outside, "\n"));
    Write("/proc/self/mountinfo", "31 23 0:28 /ho /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    Write("/sys/fs/cgroup/cpu.max", "30000 100000\n");
    EXPECT_NE(Cpus().derivation.find("0.30 (/sys/fs/cgroup/cpu.max)"), std::string::npos)
        << Cpus().derivation;
  }
}

TEST_F(CpuCountTest, MemoryIsMemTotalWithoutALimit) {
  UseMemTotal();
  EXPECT_EQ(Memory().bytes, uint64_t{8} << 30);
  EXPECT_EQ(Memory().derivation, "8GiB: MemTotal, no lower cgroup limit");
}

TEST_F(CpuCountTest, MemoryIsTheTightestV2LimitUpToTheRoot) {
  UseMemTotal();
  UseV2("/a/b");
  Write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  Write("/sys/fs/cgroup/a/memory.max", "536870912\n");
  EXPECT_EQ(Memory().bytes, 512u << 20);
  EXPECT_EQ(Memory().derivation,
            "512MiB: MemTotal 8GiB, cgroup limit 512MiB (/sys/fs/cgroup/a/memory.max)");
}

TEST_F(CpuCountTest, MemoryReadsTheV1Limit) {
  UseMemTotal();
  Write("/proc/self/cgroup", "4:memory:/x\n");
  Write("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1073741824\n");
  EXPECT_EQ(Memory().bytes, 1u << 30);
}

TEST_F(CpuCountTest, MemoryKnowsThatTheHugeV1NumberIsNoLimit) {
  UseMemTotal();
  Write("/proc/self/cgroup", "4:memory:/\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Memory().bytes, uint64_t{8} << 30);
}

TEST_F(CpuCountTest, MemoryAsksTheKernelWithoutProc) {
  EXPECT_GE(Memory().bytes, uint64_t{16} << 20);
}

}  // namespace
}  // namespace windlass
