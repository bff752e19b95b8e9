// workers.cpu_affinity: two workers on one CPU would take turns of milliseconds.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/cpu_affinity.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

std::vector<int> CpusOf(pid_t pid) {
  cpu_set_t mask;
  if (sched_getaffinity(pid, sizeof(mask), &mask) != 0) return {};
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

// In any order: which worker has which share is nobody's business.
std::vector<std::vector<int>> SharesOf(const Server& server) {
  std::vector<std::vector<int>> shares;
  for (const auto& worker : ServerStatus::Of(server).Serving("worker")) {
    shares.push_back(CpusOf(static_cast<pid_t>(worker.pid)));
  }
  std::sort(shares.begin(), shares.end());
  return shares;
}

bool AreDealtTo(const Server& server, size_t workers) {
  std::vector<std::vector<int>> wanted;
  for (size_t i = 0; i < workers; ++i) wanted.push_back(ShareOfCpus(AllowedCpus(), i, workers));
  std::sort(wanted.begin(), wanted.end());
  return Eventually([&] { return SharesOf(server) == wanted; });
}

std::string Shares(const Server& server) {
  std::string text;
  for (const std::vector<int>& share : SharesOf(server)) {
    for (const int cpu : share) absl::StrAppend(&text, cpu, " ");
    absl::StrAppend(&text, "| ");
  }
  return text;
}

void Scale(const Server& server, const std::string& workers) {
  EXPECT_EQ(server.Ctl({"scale", absl::StrCat("workers=", workers)}).exit_code, 0);
}

TEST(CpuAffinity, NoTwoWorkersShareACpuAfterScalingDeathAndReload) {
  const auto server = Server::StartWithConfig(ConfigText({.workers = 2}));
  EXPECT_TRUE(AreDealtTo(*server, 2)) << Shares(*server);
  Scale(*server, "1");
  EXPECT_TRUE(AreDealtTo(*server, 1)) << "all CPUs are the last one's: " << Shares(*server);
  // More than there are CPUs, so that nobody is tied to one.
  Scale(*server, absl::StrCat(AllowedCpus().size() + 1));
  EXPECT_TRUE(AreDealtTo(*server, AllowedCpus().size() + 1)) << Shares(*server);
  Scale(*server, "2");
  EXPECT_TRUE(AreDealtTo(*server, 2)) << Shares(*server);
  ASSERT_EQ(kill(server->Children("worker").front(), SIGKILL), 0);
  EXPECT_TRUE(Eventually([&] { return ServerStatus::Of(*server).totals.at("deaths") == 1; }));
  EXPECT_TRUE(AreDealtTo(*server, 2)) << Shares(*server);
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(AreDealtTo(*server, 2)) << Shares(*server);
}

TEST(CpuAffinity, IsOfWorkersOnly) {
  const auto server = Server::StartWithConfig(ConfigText({.workers = 2}));
  ASSERT_TRUE(AreDealtTo(*server, 2)) << Shares(*server);
  for (const pid_t pid : server->Children("pool")) EXPECT_EQ(CpusOf(pid), AllowedCpus());
}

TEST(CpuAffinity, OfNoneLeavesItToTheKernel) {
  const auto server =
      Server::StartWithConfig(ConfigText({.workers = 2}), {"--set=workers.cpu_affinity=none"});
  const std::vector<std::vector<int>> all(2, AllowedCpus());
  EXPECT_EQ(SharesOf(*server), all) << Shares(*server);
}

}  // namespace
}  // namespace windlass
