// `windlassctl drain` and `stop`: they say when it is over.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

TEST(Drain, WaitsForTheJobThatRunsAndSaysWhenTheServerHasStopped) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client client(server->address("message"));
  client.Send(BurnRequest(700));
  ASSERT_TRUE(RunsJobs(*server, 1));
  const absl::Time begin = absl::Now();
  const ProgramResult drained = server->Ctl({"drain"});
  EXPECT_EQ(drained.exit_code, 0) << drained.err;
  EXPECT_TRUE(absl::StrContains(drained.out, "stopped")) << drained.out;
  EXPECT_GT(absl::Now() - begin, absl::Milliseconds(200)) << "the job ran on for longer";
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "");
  EXPECT_EQ(server->WaitForEnd(), 0);
  EXPECT_TRUE(
      server->LogHas("(windlassctl) over the control socket: ok, stopping"));  // who stopped it?
}

TEST(Stop, DoesNotWaitForJobsAndSaysWhenTheServerHasStopped) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  ASSERT_TRUE(RunsJobs(*server, 1));
  const ProgramResult stopped = server->Ctl({"stop"});
  EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
  EXPECT_TRUE(absl::StrContains(stopped.out, "stopped")) << stopped.out;
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "unavailable");
  EXPECT_EQ(server->WaitForEnd(), 0);
}

}  // namespace
}  // namespace windlass
