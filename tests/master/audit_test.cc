#include "master/audit.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

Asker Root(Asker::By by) {
  Asker asker;
  asker.by = by;
  asker.user = "root";
  asker.pid = 123;
  asker.command = "windlassctl";
  return asker;
}

TEST(Audit, SaysWhoAskedOverTheControlSocketAndWhatBecameOfIt) {
  EXPECT_EQ(AuditText("reload", Root(Asker::By::kControlSocket), AuditResult::kOk, "generation 3"),
            "audit: reload by uid=0(root) pid=123(windlassctl) over the control socket: ok, "
            "generation 3");
}

TEST(Audit, SaysWhichSignalItWas) {
  Asker asker = Root(Asker::By::kSignal);
  asker.signal = SIGHUP;
  asker.user = asker.command = "";
  EXPECT_EQ(AuditText("reload", asker, AuditResult::kFailed, "no"),
            "audit: reload by uid=0 pid=123 with SIGHUP: failed, no");
}

TEST(Audit, TheTerminalIsTheKernels) {
  const Asker asker = Asker::OfSignal({SIGINT, SI_KERNEL, 7, 8});
  EXPECT_EQ(AuditText("stop", asker, AuditResult::kOk, ""),
            "audit: stop by the kernel, for the terminal, with SIGINT: ok");
}

TEST(Audit, NamesUserAndCommandOfAProcess) {
  const Asker asker = Asker::OfPeer({0, 0, ::getpid()});
  EXPECT_EQ(asker.user, "root");
  EXPECT_EQ(asker.command, absl::string_view("master_tests").substr(0, 15));
  const Asker stranger = Asker::OfSignal({SIGTERM, SI_USER, 3'999'999'999, 0});
  EXPECT_EQ(stranger.user, "");
  EXPECT_EQ(stranger.command, "");
}

TEST(Audit, AsJsonHasThePartsAsMembers) {
  EXPECT_EQ(AuditMembers("kill-job", Root(Asker::By::kControlSocket), AuditResult::kRefused,
                         "a \"job\"\xff"),
            R"("audit": {"action": "kill-job", "uid": 0, "user": "root", "pid": 123, )"
            R"("command": "windlassctl", "by": "control socket", "result": "refused", )"
            "\"detail\": \"a \\\"job\\\"\ufffd\"}");
}

TEST(Audit, AnAskerSurvivesAnUpgrade) {
  Asker asker = Root(Asker::By::kSignal);
  asker.signal = SIGUSR2;
  asker.uid = 1000;
  proto::UpgradeState::Asker state;
  asker.Describe(&state);
  EXPECT_EQ(AuditText("upgrade", Asker::Adopt(state), AuditResult::kOk, ""),
            AuditText("upgrade", asker, AuditResult::kOk, ""));
  EXPECT_EQ(AuditText("upgrade", Asker::Adopt({}), AuditResult::kOk, ""),
            "audit: upgrade by somebody: ok");
}

}  // namespace
}  // namespace windlass
