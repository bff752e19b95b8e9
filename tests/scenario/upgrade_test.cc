// A newer binary takes over in the same process, or does not, and nobody is hurt.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// A windlassd of the test's own, which it can replace as a package manager does: by rename.
class Upgrade : public testing::Test {
 protected:
  Upgrade() { Install(Program("windlassd")); }

  std::string program() const { return folder_.path() + "/windlassd"; }
  void Install(const std::string& from) const {
    std::filesystem::copy_file(from, program() + ".new");
    std::filesystem::rename(program() + ".new", program());
  }
  void InstallScript(const std::string& text) const {
    folder_.Write("windlassd", "#!/bin/sh\n" + text);
    ::chmod(program().c_str(), 0755);
  }

  TemporaryFolder folder_;
};

TEST_F(Upgrade, KeepsThePidTheConnectionsAndTheAnswersThatAreDue) {
  const auto server = Server::StartProgram(program());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(server->address("message")));
    clients.back()->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(clients.back()->ReadAnswer());
  }
  Client busy(server->address("message"));
  busy.Send(BurnRequest(700) + SearchRequest("ring"));
  const std::vector<pid_t> old_workers = server->Children("worker");
  Install(Program("windlassd"));
  const ProgramResult upgraded = server->Ctl({"upgrade"});
  EXPECT_EQ(upgraded.exit_code, 0) << upgraded.err;
  EXPECT_TRUE(absl::StrContains(upgraded.out, "generation 2 serves")) << upgraded.out;
  EXPECT_TRUE(ProcessExists(server->pid()));
  for (auto& client : clients) {
    client->Send(SearchRequest("morpheus"));
    const std::optional<MessageAnswer> answer = client->ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->content, kRabbit);
  }
  const std::optional<MessageAnswer> burned = busy.ReadAnswer();
  ASSERT_TRUE(burned);
  EXPECT_EQ(burned->status, "");
  EXPECT_TRUE(busy.ReadAnswer());
  for (pid_t pid : old_workers) EXPECT_TRUE(Eventually([&] { return !ProcessExists(pid); }));
  EXPECT_EQ(server->Children("worker").size(), 2u);
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForEnd(), 0);
}

TEST_F(Upgrade, BySignalUnderLoadLosesNothingSeveralTimesInARow) {
  const auto server = Server::StartProgram(program());
  Ledger::Options options;
  options.message_address = server->address("message");
  options.line_address = server->address("line");
  Ledger ledger(options);
  ledger.Start();
  for (uint64_t generation = 2; generation <= 5; ++generation) {
    Install(Program("windlassd"));
    server->Signal(SIGUSR2);
    ASSERT_TRUE(Eventually([&] {
      return server->LogHas(
          absl::StrCat("generation ", generation, " serves, generation ", generation - 1, " ends"));
    })) << generation;
  }
  ledger.Stop();
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.refused(), 0u) << ledger.Report();
  EXPECT_GT(ledger.answered(), 1000u);
}

TEST_F(Upgrade, ToABrokenBinaryLeavesEverythingAsItWas) {
  const auto server = Server::StartProgram(program());
  Client client(server->address("message"));
  client.Send(SearchRequest("morpheus"));
  ASSERT_TRUE(client.ReadAnswer());
  const std::vector<pid_t> workers = server->Children("worker");
  const auto fails_saying = [&](absl::string_view what) {
    const ProgramResult result = server->Ctl({"upgrade"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(absl::StrContains(result.err, what)) << result.err;
  };
  InstallScript("echo this is not it >&2\nexit 3\n");
  fails_saying("this is not it");
  InstallScript("exit 0\n");
  fails_saying("no windlassd that can take over");
  InstallScript("kill -ABRT $$\n");
  fails_saying("died of signal");
  folder_.Write("windlassd",
                "\x7f"
                "ELF, but no more");
  ::chmod(program().c_str(), 0755);
  fails_saying("Exec format error");
  std::filesystem::remove(program());
  fails_saying("No such file or directory");
  EXPECT_EQ(server->Children("worker"), workers);
  client.Send(SearchRequest("morpheus"));
  EXPECT_TRUE(client.ReadAnswer());
  // And the right one still can.
  Install(Program("windlassd"));
  EXPECT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  client.Send(SearchRequest("morpheus"));
  EXPECT_TRUE(client.ReadAnswer());
}

TEST_F(Upgrade, WithAConfigurationThatBecameWrongIsRefused) {
  const std::string good = "[[listener]]\nprotocol = \"message\"\naddress = \"127.0.0.1:0\"\n";
  const auto server = Server::StartWithConfig(good, {"--workers=1", "--pool=1"});
  server->WriteConfig("nonsense = 1\n" + good);
  const ProgramResult refused = server->Ctl({"upgrade"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(refused.err, "nonsense")) << refused.err;
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST_F(Upgrade, CarriesWhatWasScaledAndCounted) {
  const auto server = Server::StartProgram(program());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Serves(server->address("message")));
  ASSERT_EQ(server->Ctl({"scale", "workers=3", "--keep"}).exit_code, 0);
  ASSERT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  EXPECT_TRUE(Eventually([&] { return server->Children("worker").size() == 3; }));
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_GE(status.totals.at("requests"), 5u);
  EXPECT_GE(status.totals.at("accepted"), 5u);
}

TEST_F(Upgrade, KeepsAGenerationThatDrainsAndItsPoolRepaired) {
  const auto server = Server::StartProgram(program(), {"--pool=1"});
  Client busy(server->address("message"));
  busy.Send(BurnRequest(4'000, R"(, "request-id": "old")"));
  const pid_t old_pool = server->Children("pool").at(0);
  ASSERT_TRUE(Eventually([&] { return CpuTime(old_pool) > absl::Milliseconds(50); }));
  ASSERT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  EXPECT_TRUE(ProcessExists(old_pool));
  ::kill(old_pool, SIGABRT);
  const std::optional<MessageAnswer> answer = busy.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "") << "the old generation's next pool process has run it";
  EXPECT_EQ(answer->request_id, "old");
  busy.Send(SearchRequest("morpheus"));
  EXPECT_TRUE(busy.ReadAnswer());
}

}  // namespace
}  // namespace windlass
