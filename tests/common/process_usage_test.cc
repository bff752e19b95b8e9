#include "common/process_usage.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/time/clock.h"

namespace windlass {
namespace {

TEST(TicksInStat, AreUserAndSystemTimeWhateverTheNameIs) {
  constexpr absl::string_view kRest =
      " S 1 2 3 0 -1 4194304 100 200 300 400 70 8 9 10 20 0 1 0 1000 2000 300";
  for (const absl::string_view name : {"a", "a b", ") S 1 2 3 4 5 6 7 8 9 10 11 12 13", "((", ""}) {
    EXPECT_EQ(TicksInStat("17 (" + std::string(name) + ")" + std::string(kRest)), 78u) << name;
  }
}

TEST(TicksInStat, AreNotFoundInOtherText) {
  for (const absl::string_view text : {"", "17", "17 (a", "17 (a)", "17 (a) S 1 2 3 0 -1 41 1 2"}) {
    EXPECT_EQ(TicksInStat(text), std::nullopt) << text;
  }
}

TEST(CpuTimeOf, GrowsWithWorkAndIsThereUntilTheProcessIsReaped) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    while (CpuTimeOf(::getpid()).value_or(absl::ZeroDuration()) < absl::Milliseconds(50)) {
    }
    ::_exit(0);
  }
  siginfo_t info = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_GE(CpuTimeOf(pid).value_or(absl::ZeroDuration()), absl::Milliseconds(50));
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(CpuTimeOf(pid), std::nullopt);
}

}  // namespace
}  // namespace windlass
