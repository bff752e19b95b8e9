#include "master/ask_child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/match.h"

namespace windlass {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);

TEST(AskChild, GivesTheAnswerOfAnotherProcess) {
  EXPECT_EQ(AskChild([] { return absl::OkStatus(); }, kLong), absl::OkStatus());
  const pid_t here = ::getpid();
  const absl::Status answer = AskChild(
      [here] {
        return here == ::getpid() ? absl::OkStatus() : absl::NotFoundError("not there\nat all");
      },
      kLong);
  EXPECT_EQ(answer, absl::NotFoundError("not there\nat all"));
}

TEST(AskChild, LongAnswersAreCut) {
  const absl::Status answer =
      AskChild([] { return absl::NotFoundError(std::string(1 << 20, 'x')); }, kLong);
  EXPECT_EQ(answer.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(answer.message().size(), size_t{16} << 10);
}

TEST(AskChild, ChildThatDiesIsAnErrorThatSaysHow) {
  const absl::Status killed = AskChild(
      [] {
        ::raise(SIGKILL);
        return absl::OkStatus();
      },
      kLong);
  EXPECT_EQ(killed.code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(absl::StrContains(killed.message(), "was killed by SIGKILL")) << killed;
  const absl::Status ended = AskChild([]() -> absl::Status { ::_exit(7); }, kLong);
  EXPECT_TRUE(absl::StrContains(ended.message(), "ended with exit code 7")) << ended;
}

TEST(AskChild, ChildThatHangsIsKilledAtTheLimit) {
  const absl::Status answer = AskChild(
      []() -> absl::Status {
        for (;;) ::pause();
      },
      absl::Milliseconds(50));
  EXPECT_EQ(answer.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(AskChild, LeavesNoChildBehind) {
  while (::waitpid(-1, nullptr, 0) > 0) continue;  // of tests before this one
  (void)AskChild([] { return absl::OkStatus(); }, kLong);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace windlass
