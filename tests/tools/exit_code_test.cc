#include "tools/client/exit_code.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

TEST(ExitCode, HasTheDocumentedNumbers) {
  EXPECT_EQ(static_cast<int>(ExitCodeFor(absl::OkStatus())), 0);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(absl::DataLossError("malformed"))), 1);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(absl::AbortedError("closed"))), 1);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(absl::InvalidArgumentError("usage"))), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(absl::UnavailableError("refused"))), 3);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(absl::DeadlineExceededError("late"))), 4);
}

TEST(ExitCode, HasANameForJson) {
  EXPECT_EQ(FailureName(absl::UnavailableError("")), "connection");
  EXPECT_EQ(FailureName(absl::DeadlineExceededError("")), "timeout");
  EXPECT_EQ(FailureName(absl::InvalidArgumentError("")), "usage");
  EXPECT_EQ(FailureName(absl::DataLossError("")), "bad_answer");
}

}  // namespace
}  // namespace windlass
