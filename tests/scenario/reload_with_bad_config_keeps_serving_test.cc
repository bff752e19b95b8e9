// A reload that cannot be done changes nothing, and says why.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// A server with clients that have connections open and jobs in flight, and that must not notice.
class ReloadWithBadConfig : public testing::Test {
 protected:
  void SetUp() override {
    ledger_.Start();
    burning_.Send(BurnRequest(1500));
    idle_.Send(SearchRequest("morpheus"));
    ASSERT_TRUE(idle_.ReadAnswer());
    ASSERT_TRUE(Eventually([&] { return ledger_.answered() > 100; }));
    before_ = ServerStatus::Of(*server_);
  }

  // After a reload of `config`, which says `why`.
  void ExpectRefused(const std::string& config, const std::string& why) {
    server_->WriteConfig(config);
    const ProgramResult result = server_->Ctl({"reload"});
    EXPECT_EQ(result.exit_code, 1) << result.out;
    EXPECT_TRUE(absl::StrContains(result.err, why)) << result.err;
    EXPECT_TRUE(server_->LogHas(why));
    const ServerStatus after = ServerStatus::Of(*server_);
    ASSERT_TRUE(after.last_reload);
    EXPECT_FALSE(after.last_reload->ok);
    EXPECT_TRUE(absl::StrContains(after.last_reload->message, why)) << after.last_reload->message;
    EXPECT_EQ(after.generation, before_.generation);
    ExpectNobodyNoticed();
  }

  void ExpectNobodyNoticed() {
    ASSERT_TRUE(OldGenerationsEnd(*server_));  // and what the new one had begun
    const ServerStatus after = ServerStatus::Of(*server_);
    EXPECT_EQ(after.state, "serving");
    for (const char* role : {"worker", "pool", "zygote"}) {
      EXPECT_EQ(after.Pids(role), before_.Pids(role));
      EXPECT_EQ(server_->Children(role), before_.Pids(role));
    }
    EXPECT_EQ(after.totals.at("connections_moved"), 0u);
    idle_.Send(SearchRequest("morpheus"));
    const std::optional<MessageAnswer> answer = idle_.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->content, kRabbit);
    EXPECT_EQ(ledger_.troubles(), 0u) << ledger_.Report();
  }

  void TearDown() override {
    const std::optional<MessageAnswer> burned = burning_.ReadAnswer();
    ASSERT_TRUE(burned);
    EXPECT_EQ(burned->status, "");
    // A good one works all the same.
    server_->WriteConfig(ConfigText({.workers = 3}));
    ASSERT_TRUE(Reload(*server_));
    ASSERT_TRUE(OldGenerationsEnd(*server_));
    const ServerStatus after = ServerStatus::Of(*server_);
    EXPECT_TRUE(after.last_reload && after.last_reload->ok);
    EXPECT_EQ(after.Serving("worker").size(), 3u);
    ledger_.Stop();
    EXPECT_EQ(ledger_.troubles(), 0u) << ledger_.Report();
    EXPECT_EQ(ledger_.refused(), 0u) << ledger_.Report();
  }

  const std::unique_ptr<Server> server_ = Server::StartWithConfig(ConfigText());
  Client burning_{server_->address("message")}, idle_{server_->address("message")};
  Ledger ledger_{{.message_address = server_->address("message"),
                  .line_address = server_->address("line"),
                  .connections_per_protocol = 5,
                  .only_small_payloads = true}};
  ServerStatus before_;
};

TEST_F(ReloadWithBadConfig, OfBrokenSyntaxSaysWhere) {
  ExpectRefused("[workers]\ncount = = 2\n", absl::StrCat(server_->config_path(), ":2:"));
}

TEST_F(ReloadWithBadConfig, WithAnUnknownKeySaysWhatWasMeant) {
  ExpectRefused("[workers]\ncuont = 2\n" + UsualListeners(),
                "unknown key 'workers.cuont', did you mean 'workers.count'?");
}

TEST_F(ReloadWithBadConfig, WithoutAFileNamesIt) {
  ASSERT_EQ(::rename(server_->config_path().c_str(), (server_->config_path() + ".old").c_str()), 0);
  const ProgramResult result = server_->Ctl({"reload"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(result.err, server_->config_path())) << result.err;
  ExpectNobodyNoticed();
}

TEST_F(ReloadWithBadConfig, WhoseAddressSomebodyElseHasNamesIt) {
  OwnedFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  ::getsockname(other.get(), reinterpret_cast<sockaddr*>(&address), &length);
  const std::string taken = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  ExpectRefused(ConfigText({.listeners = UsualListeners() + ListenerAt(taken, "echo")}),
                absl::StrCat("bind ", taken, ": Address already in use"));
}

TEST_F(ReloadWithBadConfig, ThatChangesWhatCannotChangeNamesTheKeys) {
  ExpectRefused(ConfigText({.in_master = "user = \"nobody\"\nmax_processes = 77"}),
                "master.user, master.max_processes cannot change without a restart");
}

TEST_F(ReloadWithBadConfig, WhoseHandlerCannotLoadSaysWhy) {
  ExpectRefused(ConfigText({.handlers = HandlerText("search", "table = \"/no/such/table.json\"")}),
                "/no/such/table.json");
}

TEST_F(ReloadWithBadConfig, WithMoreProcessesThanThereMayBeSaysSo) {
  ExpectRefused(ConfigText({.pool = 5000}), "max_processes");
}

TEST_F(ReloadWithBadConfig, WhoseLogCannotBeOpenedSaysSo) {
  ExpectRefused(ConfigText({.in_log = "file = \"/no/such/folder/log\""}), "/no/such/folder/log");
}

TEST_F(ReloadWithBadConfig, BySignalIsInTheLogAndInTheStatus) {
  server_->WriteConfig("nonsense");
  server_->Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return ServerStatus::Of(*server_).last_reload.has_value(); }));
  EXPECT_FALSE(ServerStatus::Of(*server_).last_reload->ok);
  EXPECT_TRUE(server_->LogHas(" with SIGHUP: failed, "));
  ExpectNobodyNoticed();
}

TEST_F(ReloadWithBadConfig, IsFoundByACheckThatChangesNothing) {
  server_->WriteConfig("[workers]\ncuont = 2\n");
  const ProgramResult bad = server_->Ctl({"reload", "--check"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(bad.err, "workers.cuont")) << bad.err;
  server_->WriteConfig(ConfigText({.in_master = "max_processes = 77"}));
  const ProgramResult fixed = server_->Ctl({"reload", "--check"});
  EXPECT_EQ(fixed.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(fixed.err, "master.max_processes")) << fixed.err;
  server_->WriteConfig(ConfigText({.workers = 4}));
  const ProgramResult good = server_->Ctl({"reload", "--check"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  const ServerStatus after = ServerStatus::Of(*server_);
  EXPECT_EQ(after.generation, before_.generation);
  EXPECT_FALSE(after.last_reload);
  ExpectNobodyNoticed();
}

TEST(ControlPath, CannotChangeByAReload) {
  TemporaryFolder folder;
  const auto text = [&](const char* name) {
    return ConfigText({.in_master = absl::StrCat("control = \"", folder.path(), "/", name, "\"")});
  };
  const std::string config = folder.Write("windlass.toml", text("first.sock"));
  // A program that takes nothing from the command line, where Server names a control socket.
  const std::string program =
      folder.Write("start.sh", absl::StrCat("#!/bin/sh\nexec ", Program("windlassd"),
                                            " --config=", config, " --set=admin.address=\n"));
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  const auto server = Server::StartProgram(program);
  folder.Write("windlass.toml", text("second.sock"));
  const ProgramResult result = RunProgram(
      {Program("windlassctl"), absl::StrCat("--control=", folder.path(), "/first.sock"), "reload"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(result.err, "master.control cannot change without a restart"))
      << result.err;
  EXPECT_TRUE(Serves(server->address("message")));
}

}  // namespace
}  // namespace windlass
