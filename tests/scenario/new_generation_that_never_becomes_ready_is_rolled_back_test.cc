// A configuration that reads well, but whose processes cannot start: the old ones serve on.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

class NewGeneration : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::mkfifo(fifo().c_str(), 0666), 0);
    ASSERT_EQ(::chmod(fifo().c_str(), 0666), 0);  // whatever the umask
    ledger_.Start();
    before_ = ServerStatus::Of(*server_);
  }
  std::string fifo() const { return folder_.path() + "/table.fifo"; }
  // Pool processes read the table when they start, and nobody ever writes one.
  std::string HangingConfig(const std::string& startup_timeout) const {
    return ConfigText(
        {.in_master = absl::StrCat("startup_timeout = \"", startup_timeout, "\""),
         .handlers = HandlerText("search", absl::StrCat("table = \"", fifo(), "\""))});
  }
  void ExpectUntouched() {
    EXPECT_TRUE(OldGenerationsEnd(*server_));
    const ServerStatus after = ServerStatus::Of(*server_);
    EXPECT_EQ(after.generation, before_.generation);
    EXPECT_EQ(after.state, "serving");
    ASSERT_TRUE(after.last_reload);
    EXPECT_FALSE(after.last_reload->ok);
    for (const char* role : {"worker", "pool", "zygote"}) {
      // By /proc, so that none of the new generation is forgotten.
      EXPECT_TRUE(Eventually([&] { return server_->Children(role) == before_.Pids(role); }));
    }
    EXPECT_EQ(after.totals.at("connections_moved"), 0u);
    EXPECT_TRUE(Serves(server_->address("message")));
    ledger_.Stop();
    EXPECT_EQ(ledger_.troubles(), 0u) << ledger_.Report();
    EXPECT_EQ(ledger_.refused(), 0u) << ledger_.Report();
  }

  TemporaryFolder folder_;
  const std::unique_ptr<Server> server_ = Server::StartWithConfig(ConfigText());
  Ledger ledger_{{.message_address = server_->address("message"),
                  .line_address = server_->address("line"),
                  .connections_per_protocol = 5,
                  .only_small_payloads = true}};
  ServerStatus before_;
};

TEST_F(NewGeneration, WhosePoolProcessesHangIsEndedAfterStartupTimeout) {
  server_->WriteConfig(HangingConfig("1s"));
  const absl::Time begin = absl::Now();
  const ProgramResult result = server_->Ctl({"reload"});
  EXPECT_EQ(result.exit_code, 1) << result.out;
  EXPECT_TRUE(absl::StrContains(result.err, "startup_timeout")) << result.err;
  EXPECT_TRUE(absl::StrContains(result.err, "generation 1 serves on")) << result.err;
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(900));
  EXPECT_LE(absl::Now() - begin, absl::Seconds(5));
  ExpectUntouched();
}

TEST_F(NewGeneration, IsSeenInTheStatusWhileItStarts) {
  server_->WriteConfig(HangingConfig("2s"));
  server_->Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return ServerStatus::Of(*server_).state == "reloading"; }));
  const ServerStatus during = ServerStatus::Of(*server_);
  EXPECT_EQ(during.generation, before_.generation);
  ASSERT_EQ(during.generations.size(), 2u);
  EXPECT_EQ(during.generations.at(0).state, "serving");
  EXPECT_EQ(during.generations.at(1).state, "starting");
  EXPECT_EQ(during.Pids("worker"), before_.Pids("worker"));
  EXPECT_TRUE(Serves(server_->address("message")));
  // Only one thing at a time.
  const ProgramResult scaled = server_->Ctl({"scale", "workers=3"});
  EXPECT_EQ(scaled.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(scaled.err, "a reload is going on")) << scaled.err;
  ASSERT_TRUE(Eventually([&] { return ServerStatus::Of(*server_).last_reload.has_value(); }));
  ExpectUntouched();
}

TEST_F(NewGeneration, WhoseZygoteIsKilledWhileItLoadsIsEnded) {
  server_->WriteConfig(HangingConfig("60s"));
  server_->Signal(SIGHUP);
  pid_t victim = 0;
  ASSERT_TRUE(Eventually([&] {
    for (const pid_t pid : server_->Children("zygote")) {
      const std::vector<pid_t> old = before_.Pids("zygote");
      if (std::find(old.begin(), old.end(), pid) == old.end()) victim = pid;
    }
    return victim != 0;
  }));
  ::kill(victim, SIGKILL);
  ASSERT_TRUE(Eventually([&] { return ServerStatus::Of(*server_).last_reload.has_value(); }));
  EXPECT_TRUE(absl::StrContains(ServerStatus::Of(*server_).last_reload->message, "SIGKILL"))
      << ServerStatus::Of(*server_).last_reload->message;
  ExpectUntouched();
}

TEST_F(NewGeneration, WhoseFileCannotBeWrittenIsEndedAtOnce) {
  const std::string sink = folder_.Write("sink", "");
  // Nobody may write it, and pool processes are nobody; without root it is its owner who may not.
  ASSERT_EQ(::chmod(sink.c_str(), 0400), 0);
  server_->WriteConfig(
      ConfigText({.handlers = HandlerText("append", absl::StrCat("file = \"", sink, "\""))}));
  const ProgramResult result = server_->Ctl({"reload"});
  EXPECT_EQ(result.exit_code, 1) << result.out;
  EXPECT_TRUE(absl::StrContains(result.err, absl::StrCat("append to ", sink))) << result.err;
  ExpectUntouched();
}

TEST_F(NewGeneration, ThatHangsDoesNotKeepTheServerFromStopping) {
  server_->WriteConfig(HangingConfig("60s"));
  ProgramResult waited;
  std::thread waiting([&] { waited = server_->Ctl({"reload"}); });
  EXPECT_TRUE(Eventually([&] { return ServerStatus::Of(*server_).state == "reloading"; }));
  ledger_.Stop();
  EXPECT_EQ(ledger_.troubles(), 0u) << ledger_.Report();
  server_->Signal(SIGTERM);
  waiting.join();
  EXPECT_EQ(waited.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(waited.err, "stop")) << waited.err;
  EXPECT_EQ(server_->WaitForEnd(), 0);
}

}  // namespace
}  // namespace windlass
