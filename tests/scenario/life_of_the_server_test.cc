// Starting, stopping and what the command line promises.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"

namespace windlass {
namespace {

TEST(Sigterm, FinishesWhatIsInFlightAndExitsWithZero) {
  const auto server = Server::StartUsual();
  Client busy(server->address("message")), idle(server->address("message"));
  idle.Send(SearchRequest("morpheus"));
  ASSERT_TRUE(idle.ReadAnswer());
  busy.Send(BurnRequest(300) + BurnRequest(300));
  absl::SleepFor(absl::Milliseconds(50));
  server->Signal(SIGTERM);
  ASSERT_TRUE(busy.ReadAnswer());
  const std::optional<MessageAnswer> last = busy.ReadAnswer();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->status, "");
  EXPECT_TRUE(last->close);
  EXPECT_TRUE(busy.SeesEnd());
  EXPECT_TRUE(idle.SeesEnd());
  EXPECT_EQ(server->WaitForEnd(), 0);
  EXPECT_EQ(RunProgram({Program("windlass"), "search", server->address("message"), "x"}).exit_code,
            3);
}

TEST(Sigterm, GivesUpOnWhatIsInFlightAfterDrainTimeout) {
  const auto server = Server::StartUsual({"--set=master.drain_timeout=\"200ms\""});
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  absl::SleepFor(absl::Milliseconds(50));
  server->Signal(SIGTERM);
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "unavailable");
  EXPECT_EQ(server->WaitForEnd(), 0);
}

TEST(Sigint, StopsFastAndSaysSoToClients) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  absl::SleepFor(absl::Milliseconds(50));
  server->Signal(SIGINT);
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "unavailable");
  EXPECT_EQ(server->WaitForEnd(), 0);
}

TEST(Sigquit, StopsAtOnceAndLeavesNoProcess) {
  const auto server = Server::StartUsual();
  const std::vector<pid_t> workers = server->Children("worker"), pool = server->Children("pool");
  server->Signal(SIGQUIT);
  EXPECT_EQ(server->WaitForEnd(), 0);
  for (pid_t pid : workers) EXPECT_TRUE(Eventually([&] { return !ProcessExists(pid); }));
  for (pid_t pid : pool) EXPECT_TRUE(Eventually([&] { return !ProcessExists(pid); }));
}

TEST(Sigterm, ToTheWholeProcessGroupIsTheMastersBusiness) {
  const auto server = Server::StartUsual();
  for (const char* role : {"worker", "pool", "zygote"}) {
    for (pid_t pid : server->Children(role)) {
      for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::kill(pid, signal);
    }
  }
  EXPECT_TRUE(Serves(server->address("message")));
  EXPECT_FALSE(server->LogHas("was killed"));
}

TEST(Listeners, OfEveryKindOfAddressAreServed) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/app.sock";
  const auto server = Server::Start({"--workers=1", "--pool=1", "--listen=message://unix:" + path,
                                     "--listen=line://[::1]:0", "--listen=echo://localhost:0",
                                     "--listen=length://:0"});
  EXPECT_TRUE(Serves("unix:" + path));
  EXPECT_EQ(server->address("message"), "unix:" + path);
  Client line(server->address("line"));
  line.Send("six\n");
  EXPECT_EQ(line.Read(4), "six\n");
  // Every address of the name, and every interface, v4 and v6: announced one line each.
  const std::string log = server->Log();
  EXPECT_TRUE(absl::StrContains(log, "listening protocol=length address=[::]:")) << log;
  EXPECT_TRUE(absl::StrContains(log, "listening protocol=length address=0.0.0.0:")) << log;
  EXPECT_TRUE(absl::StrContains(log, "listening protocol=echo address=127.0.0.1:")) << log;
}

TEST(UnixPath, ThatIsStaleIsReplacedAndOneInUseIsNot) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/app.sock";
  const std::vector<std::string> arguments = {"--workers=1", "--pool=1",
                                              "--listen=message://unix:" + path};
  {
    const auto killed = Server::Start(arguments);
    killed->Signal(SIGKILL);
    killed->WaitForEnd();
  }
  const auto server = Server::Start(arguments);  // the file was left behind
  EXPECT_TRUE(Serves("unix:" + path));
  const ProgramResult second = RunProgram(
      {Program("windlassd"), "--workers=1", "--pool=1", "--listen=message://unix:" + path});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(second.err, "another server is listening there")) << second.err;
  EXPECT_TRUE(Serves("unix:" + path));
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForEnd(), 0);
  EXPECT_NE(::access(path.c_str(), F_OK), 0);  // its owner takes it away
}

TEST(UnixPath, OfALiveServerWhoseQueueIsFullIsNotTaken) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/busy.sock";
  OwnedFd busy(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address = {AF_UNIX, {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(busy.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(busy.get(), 0), 0);
  const Client waiting("unix:" + path);  // nobody accepts it: the queue is full
  const ProgramResult result = RunProgram(
      {Program("windlassd"), "--workers=1", "--pool=1", "--listen=message://unix:" + path});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(result.err, "another server is listening there")) << result.err;
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

TEST(Sigterm, AnswersEveryRequestThatHasBeenReceivedBeyondMaxInFlight) {
  TemporaryFolder folder;
  const std::string config =
      folder.Write("c.toml", "[[listener]]\naddress = \"127.0.0.1:0\"\nmax_in_flight = 2\n");
  const auto server = Server::Start({"--config", config, "--workers=1", "--pool=1"});
  Client client(server->address("message"));
  std::string requests;
  for (int i = 0; i < 6; ++i) requests += BurnRequest(60);
  client.Send(requests);
  absl::SleepFor(absl::Milliseconds(90));
  server->Signal(SIGTERM);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(client.ReadAnswer()) << i;
  EXPECT_TRUE(client.SeesEnd());
  EXPECT_EQ(server->WaitForEnd(), 0);
}

TEST(UnixPath, ThatIsAFileIsLeftAlone) {
  TemporaryFolder folder;
  const std::string path = folder.Write("precious", "data");
  const ProgramResult result = RunProgram(
      {Program("windlassd"), "--workers=1", "--pool=1", "--listen=message://unix:" + path});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(result.err, "not a socket")) << result.err;
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

TEST(PortInUse, IsAClearErrorAndExitCodeOne) {
  const auto server = Server::StartUsual();
  const std::string address = server->address("echo");
  const ProgramResult result = RunProgram({Program("windlassd"), "--listen=echo://" + address});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(
      absl::StrContains(result.err, absl::StrCat("bind ", address, ": Address already in use")))
      << result.err;
}

TEST(CommandLine, ExitCodesAreThoseOfTheManual) {
  EXPECT_EQ(RunProgram({Program("windlassd"), "--help"}).exit_code, 0);
  EXPECT_EQ(RunProgram({Program("windlassd"), "--version"}).exit_code, 0);
  EXPECT_EQ(RunProgram({Program("windlassd"), "--check"}).exit_code, 0);
  EXPECT_EQ(RunProgram({Program("windlassd"), "--no-such-flag"}).exit_code, 2);
  EXPECT_EQ(RunProgram({Program("windlassd"), "--config=/no/such/file"}).exit_code, 78);
  EXPECT_EQ(RunProgram({Program("windlassd"), "--set", "workers.cuont=3"}).exit_code, 78);
}

TEST(PrintedConfiguration, IsItselfAValidOne) {
  TemporaryFolder folder;
  const ProgramResult printed = RunProgram({Program("windlassd"), "--print-config"});
  ASSERT_EQ(printed.exit_code, 0);
  const ProgramResult checked = RunProgram(
      {Program("windlassd"), "--check", "--config", folder.Write("printed.toml", printed.out)});
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
}

TEST(Start, FailsWithTheReasonWhenAHandlerCannotBeLoaded) {
  TemporaryFolder folder;
  const std::string config =
      folder.Write("c.toml",
                   "[[listener]]\naddress = \"127.0.0.1:0\"\n[[handler]]\nname = "
                   "\"search\"\nbuiltin = \"search\"\n"
                   "options = { table = \"/no/such/table.json\" }\n");
  const ProgramResult result = RunProgram({Program("windlassd"), "--config", config, "--workers=1",
                                           "--pool=1", "--set=admin.address="});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(result.err, "/no/such/table.json")) << result.err;
}

TEST(SearchTable, OfAFileReplacesTheBuiltInOne) {
  TemporaryFolder folder;
  const std::string table = folder.Write("table.json", R"({"trinity": "Dodge this."})");
  const std::string config = folder.Write(
      "c.toml",
      absl::StrCat("[[listener]]\naddress = \"127.0.0.1:0\"\n[[handler]]\nname = \"search\"\n",
                   "builtin = \"search\"\noptions = { table = \"", table, "\" }\n"));
  const auto server = Server::Start({"--config", config, "--workers=1", "--pool=1"});
  Client client(server->address("message"));
  client.Send(SearchRequest("trinity") + SearchRequest("morpheus"));
  EXPECT_EQ(client.ReadAnswer()->content, R"({"result": "Dodge this."})");
  EXPECT_EQ(client.ReadAnswer()->content, R"({"result": "No match for 'morpheus'."})");
}

TEST(WorkerOutOfDescriptors, TurnsNewClientsAwayAndKeepsServingItsOwn) {
  const auto server = Server::StartUsual({"--workers=1"});
  Client old(server->address("message"));
  old.Send(SearchRequest("morpheus"));
  ASSERT_TRUE(old.ReadAnswer());
  const pid_t worker = server->Children("worker").at(0);
  const rlimit few = {60, 20000};
  ASSERT_EQ(::prlimit(worker, RLIMIT_NOFILE, &few, nullptr), 0);
  std::vector<std::unique_ptr<Client>> crowd;
  for (int i = 0; i < 100; ++i)
    crowd.push_back(std::make_unique<Client>(server->address("message")));
  ASSERT_TRUE(Eventually([&] { return server->LogHas("out of file descriptors"); }));
  for (int i = 0; i < 20; ++i) {
    old.Send(SearchRequest("morpheus"));
    ASSERT_TRUE(old.ReadAnswer());
  }
  // No spinning on an accept that cannot succeed.
  const absl::Duration before = CpuTime(worker);
  absl::SleepFor(absl::Seconds(1));
  EXPECT_LT(CpuTime(worker) - before, absl::Milliseconds(300));
  crowd.clear();
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(ConnectionsAcrossWorkers, AreEvenlySpread) {
  const auto server = Server::StartUsual();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<Client>(server->address("message")));
    clients.back()->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(clients.back()->ReadAnswer());
  }
  ::kill(server->Children("worker").at(0), SIGKILL);
  absl::SleepFor(absl::Milliseconds(300));
  int dropped = 0;
  for (auto& client : clients) dropped += client->SeesEnd(absl::Milliseconds(0)) ? 1 : 0;
  EXPECT_GE(dropped, 70);
  EXPECT_LE(dropped, 130);
}

}  // namespace
}  // namespace windlass
