#include "master/master_loop.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace windlass {
namespace {

TEST(RequestFor, TermDrainsIntStopsFastAndASecondIntAtOnce) {
  EXPECT_EQ(RequestFor(SIGTERM, SI_USER, 0), MasterRequest::kDrain);
  EXPECT_EQ(RequestFor(SIGINT, SI_USER, 0), MasterRequest::kStopFast);
  EXPECT_EQ(RequestFor(SIGINT, SI_USER, 1), MasterRequest::kStopNow);
  EXPECT_EQ(RequestFor(SIGQUIT, SI_USER, 0), MasterRequest::kStopNow);
}

TEST(RequestFor, EverySignalOfTheTableHasItsRequest) {
  EXPECT_EQ(RequestFor(SIGHUP, SI_USER, 0), MasterRequest::kReload);
  EXPECT_EQ(RequestFor(SIGUSR1, SI_USER, 0), MasterRequest::kReopenLogs);
  EXPECT_EQ(RequestFor(SIGUSR2, SI_USER, 0), MasterRequest::kUpgrade);
  EXPECT_EQ(RequestFor(SIGTTIN, SI_USER, 0), MasterRequest::kOneWorkerMore);
  EXPECT_EQ(RequestFor(SIGTTOU, SI_USER, 0), MasterRequest::kOneWorkerLess);
  EXPECT_EQ(RequestFor(SIGCHLD, SI_USER, 0), MasterRequest::kReapChildren);
  EXPECT_EQ(RequestFor(SIGWINCH, SI_USER, 0), MasterRequest::kNone);
}

TEST(RequestFor, HangUpOfTheTerminalIsAGracefulStopAndOneByAPersonIsNot) {
  EXPECT_EQ(RequestFor(SIGHUP, SI_KERNEL, 0), MasterRequest::kDrain);
  EXPECT_EQ(RequestFor(SIGHUP, SI_USER, 0), MasterRequest::kReload);
}

}  // namespace
}  // namespace windlass
