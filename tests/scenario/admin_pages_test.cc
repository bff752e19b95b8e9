// The pages for operators (worker/admin/pages.h) of real servers, and the life of the process that
// serves them.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/http_get.h"
#include "tests/scenario/server.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kAnywhere[] = "--set=admin.address=127.0.0.1:0";

pid_t AdminOf(const Server& server) {
  const std::vector<pid_t> all = server.Children("admin");
  return all.size() == 1 ? all.front() : 0;
}

void SignalAll(const std::vector<pid_t>& processes, int signal) {
  for (const pid_t process : processes) ::kill(process, signal);
}

// Asks for a page all the time, each time anew, while it lives.
class Scraper {
 public:
  Scraper(const std::string& address, const std::string& path)
      : thread_([this, address, path] {
          while (!done_) {
            const std::string said = Said(address, path);
            ++asked_;
            if (!absl::StartsWith(said, "200 ")) {
              ++failed_;
              failure_ = said;
            }
          }
        }) {}
  ~Scraper() { Stop(); }
  void Stop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int asked() const { return asked_; }
  int failed() const { return failed_; }
  const std::string& failure() const { return failure_; }  // after Stop

 private:
  std::atomic<bool> done_{false};
  std::atomic<int> asked_{0}, failed_{0};
  std::string failure_;
  std::thread thread_;
};

TEST(AdminPages, SayWhatWindlassctlSays) {
  const auto server = Server::StartUsual({kAnywhere});
  const std::string address = server->admin_address();
  EXPECT_EQ(Said(address, "/healthz"), "200 ok");
  EXPECT_EQ(Said(address, "/readyz"), "200 ready");
  const std::optional<Page> status = HttpGet(address, "/status");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->status, 200);
  EXPECT_THAT(status->head, HasSubstr("Content-Type: application/json\r\n"));
  const std::string json = server->Ctl({"status", "--json"}).out;
  // Up to the uptime they say the same, and from the totals on.
  EXPECT_EQ(status->content.substr(0, status->content.find("\"uptime_s\"")),
            json.substr(0, json.find("\"uptime_s\"")));
  EXPECT_EQ(status->content.substr(status->content.find("\"workers\": {")),
            json.substr(json.find("\"workers\": {")));
  const std::optional<Page> deaths = HttpGet(address, "/deaths");
  ASSERT_TRUE(deaths);
  EXPECT_EQ(deaths->content, server->Ctl({"deaths", "--json"}).out);
  EXPECT_THAT(json, HasSubstr(absl::StrCat("\"admin\": [\"", address, "\"]")));
}

TEST(AdminPages, AreReadOnlyAndKnowTheirOwnName) {
  const auto server = Server::StartUsual({kAnywhere, "--set=admin.hosts=[\"board.example\"]"});
  const std::string address = server->admin_address();
  const std::optional<Page> posted =
      HttpGet(address, "/status", "Host: localhost\r\nContent-Length: 0\r\n", "POST");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->status, 405);
  EXPECT_THAT(posted->head, HasSubstr("\r\nAllow: GET, HEAD, OPTIONS\r\n"));
  for (const absl::string_view method : {"OPTIONS", "PUT"}) {
    const std::optional<Page> other = HttpGet(address, "/status", "Host: localhost\r\n", method);
    ASSERT_TRUE(other);
    EXPECT_THAT(other->head, HasSubstr("\r\nAllow: GET, HEAD, OPTIONS\r\n"));
    EXPECT_THAT(other->content, Not(HasSubstr("POST")));
  }
  const std::optional<Page> head = HttpGet(address, "/healthz", "Host: localhost\r\n", "HEAD");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->content, "");
  EXPECT_EQ(HttpGet(address, "/nowhere")->status, 404);
  EXPECT_EQ(HttpGet(address, "/", "Host: evil.example\r\n")->status, 403);
  EXPECT_EQ(HttpGet(address, "/", "Host: board.example:80\r\n")->status, 200);
  EXPECT_THAT(HttpGet(address, "/")->head,
              HasSubstr("Content-Security-Policy: default-src 'none'"));
}

TEST(AdminPages, AreServedAtAUnixSocketThatIsRemovedAfterwards) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/admin.sock";
  const auto server = Server::StartUsual({"--set=admin.address=\"unix:" + path + "\""});
  EXPECT_EQ(server->admin_address(), "unix:" + path);
  EXPECT_EQ(Said("unix:" + path, "/healthz"), "200 ok");
  ASSERT_TRUE(Reload(*server));
  EXPECT_EQ(Said("unix:" + path, "/healthz"), "200 ok");
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForEnd(), 0);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(AdminPages, WatchersHearOfTheServerUntilItsProcessEnds) {
  const auto server = Server::StartUsual({kAnywhere});
  Client watcher(server->admin_address());
  watcher.Send("GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
  std::string heard;
  for (int events = 0; events < 3;) {
    const std::string byte = watcher.Read(1);
    ASSERT_FALSE(byte.empty()) << heard;
    heard += byte;
    if (absl::EndsWith(heard, "\ndata: {")) ++events;
  }
  EXPECT_THAT(heard, HasSubstr("event: deaths\ndata: {"));
  const size_t first = heard.find("event: status\ndata: {");
  EXPECT_NE(heard.find("event: status\ndata: {", first + 1), std::string::npos);
  EXPECT_THAT(heard, HasSubstr("Content-Type: text/event-stream"));
  ASSERT_TRUE(Reload(*server));
  EXPECT_THAT(watcher.ReadToEnd(), testing::EndsWith("\r\n0\r\n\r\n"));
}

// --- While others cannot

TEST(AdminPages, AreServedWhileAllWorkersAndPoolProcessesAreStopped) {
  const auto server = Server::StartUsual({kAnywhere});
  for (const char* role : {"worker", "pool", "zygote"}) {
    SignalAll(server->Children(role), SIGSTOP);
  }
  const std::string address = server->admin_address();
  EXPECT_EQ(Said(address, "/healthz"), "200 ok");
  for (const char* path : {"/", "/status", "/deaths"}) {
    const std::optional<Page> page = HttpGet(address, path);
    ASSERT_TRUE(page) << path;
    EXPECT_EQ(page->status, 200) << path;
  }
  EXPECT_EQ(server->Ctl({"status"}).exit_code, 0);
}

TEST(Healthz, IsNotOkWhileTheMasterHangs) {
  const auto server = Server::StartUsual({kAnywhere});
  const std::string address = server->admin_address();
  server->Signal(SIGSTOP);
  EXPECT_EQ(Said(address, "/healthz"), "503 the master does not answer");
  EXPECT_EQ(Said(address, "/readyz"), "503 the master does not answer");
  server->Signal(SIGCONT);
  EXPECT_TRUE(Eventually([&] { return Said(address, "/healthz") == "200 ok"; }));
}

TEST(Readyz, SaysThatTheServerStarts) {
  const TemporaryFolder folder;
  const std::string admin = absl::StrCat("unix:", folder.path(), "/admin.sock");
  const std::string config = folder.Write(
      "w.toml", absl::StrCat("[master]\nstartup_timeout = \"3s\"\ncontrol = \"", folder.path(),
                             "/c.sock\"\n[admin]\naddress = \"", admin, "\"\n",
                             ListenerText("message"), "[[handler]]\nname = \"x\"\nlibrary = \"",
                             WINDLASS_BUILD_DIR, "/tests/plugins/sleeping_preload.so\"\n"));
  ProgramResult result;
  std::thread server([&] { result = RunProgram({Program("windlassd"), "--config=" + config}); });
  EXPECT_TRUE(Eventually([&] { return Said(admin, "/readyz") == "503 the server is starting"; }));
  server.join();
  EXPECT_EQ(result.exit_code, 1) << result.err;
}

TEST(Readyz, SaysThatTheServerStops) {
  const auto server = Server::StartUsual({kAnywhere});
  Client client(server->address("message"));
  client.Send(BurnRequest(1500));
  ASSERT_TRUE(RunsJobs(*server, 1));
  server->Signal(SIGTERM);
  EXPECT_TRUE(Eventually(
      [&] { return Said(server->admin_address(), "/readyz") == "503 the server is stopping"; }));
  EXPECT_EQ(Said(server->admin_address(), "/healthz"), "200 ok");
  EXPECT_TRUE(client.ReadAnswer());
  EXPECT_EQ(server->WaitForEnd(), 0);
}

TEST(Readyz, SaysThatNoPoolProcessIsReady) {
  const auto server = Server::StartUsual({kAnywhere});
  SignalAll(server->Children("zygote"), SIGSTOP);  // who would make new ones
  SignalAll(server->Children("pool"), SIGKILL);
  const std::string address = server->admin_address();
  EXPECT_TRUE(
      Eventually([&] { return Said(address, "/readyz") == "503 no pool process is ready"; }));
  EXPECT_EQ(Said(address, "/healthz"), "200 ok");
  SignalAll(server->Children("zygote"), SIGCONT);
  EXPECT_TRUE(Eventually([&] { return Said(address, "/readyz") == "200 ready"; }));
}

// --- The process

TEST(AdminProcess, IsBackWhenItWasKilledAndNobodyIsRefusedMeanwhile) {
  const auto server = Server::StartUsual({kAnywhere});
  const pid_t first = AdminOf(*server);
  ASSERT_NE(first, 0);
  ::kill(first, SIGKILL);
  ASSERT_TRUE(Eventually([&] { return !ProcessExists(first); }));
  EXPECT_EQ(Said(server->admin_address(), "/healthz"), "200 ok");
  EXPECT_NE(AdminOf(*server), first);
  EXPECT_TRUE(Serves(server->address("message")));
  EXPECT_THAT(server->Ctl({"deaths", "--json"}).out, HasSubstr("\"role\": \"admin\""));
}

TEST(AdminProcess, IsReplacedOnReloadAndUpgradeWithoutAFailedRequest) {
  const auto server = Server::StartUsual({kAnywhere});
  pid_t before = AdminOf(*server);
  Scraper ready(server->admin_address(), "/readyz"), status(server->admin_address(), "/status");
  for (const char* command : {"reload", "upgrade", "reload", "upgrade", "reload", "reload"}) {
    const int asked = ready.asked();
    const ProgramResult result = server->Ctl({command});
    EXPECT_EQ(result.exit_code, 0) << command << result.err;
    ASSERT_TRUE(Eventually([&] {
      const pid_t now = AdminOf(*server);
      return now != 0 && now != before && ready.asked() > asked;
    })) << command;
    before = AdminOf(*server);
  }
  ready.Stop();
  status.Stop();
  EXPECT_EQ(ready.failed() + status.failed(), 0) << ready.failure() << status.failure();
  EXPECT_GT(status.asked(), 0);
}

TEST(AdminProcess, ServesOnWhenAReloadFails) {
  const auto server =
      Server::StartWithConfig(ConfigText({.in_log = "[admin]\naddress = \"127.0.0.1:0\""}));
  const pid_t before = AdminOf(*server);
  server->WriteConfig("nonsense");
  EXPECT_EQ(server->Ctl({"reload"}).exit_code, 1);
  EXPECT_EQ(Said(server->admin_address(), "/readyz"), "200 ready");
  EXPECT_EQ(AdminOf(*server), before);
}

TEST(AdminProcess, MovesWithItsAddressAndGoesWithIt) {
  const TemporaryFolder folder;
  const auto at = [&](const std::string& address) {
    return ConfigText({.in_log = absl::StrCat("[admin]\naddress = \"", address, "\"")});
  };
  const std::string first = absl::StrCat("unix:", folder.path(), "/1"),
                    second = absl::StrCat("unix:", folder.path(), "/2");
  const auto server = Server::StartWithConfig(at(first));
  EXPECT_EQ(Said(first, "/healthz"), "200 ok");
  server->WriteConfig(at(second));
  ASSERT_TRUE(Reload(*server));
  EXPECT_EQ(Said(second, "/healthz"), "200 ok");
  EXPECT_TRUE(Eventually([&] { return Said(first, "/healthz") == "no answer"; }));
  EXPECT_TRUE(server->LogHas("admin address=" + second));
  server->WriteConfig(at(""));
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(Eventually([&] { return server->Children("admin").empty(); }));
  EXPECT_EQ(Said(second, "/healthz"), "no answer");
  EXPECT_THAT(server->Ctl({"status", "--json"}).out, HasSubstr("\"admin\": []"));
}

// The links in /proc/PID/fd of what could be written to or read from another process.
std::set<std::string> ChannelsOf(pid_t pid) {
  std::set<std::string> channels;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/fd"))) {
    std::error_code error;
    const std::string link = std::filesystem::read_symlink(entry.path(), error).string();
    if (absl::StartsWith(link, "socket:") || absl::StrContains(link, "memfd:"))
      channels.insert(link);
  }
  return channels;
}

TEST(AdminProcess, HasNothingOfTheDataPlane) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to look at processes of another user";
  const auto server = Server::StartUsual({kAnywhere});
  const std::set<std::string> own = ChannelsOf(AdminOf(*server));
  EXPECT_EQ(own.size(), 2u) << "its control channel and its listener";
  for (const char* role : {"worker", "pool", "zygote"}) {
    for (const pid_t process : server->Children(role)) {
      for (const std::string& channel : ChannelsOf(process)) {
        EXPECT_EQ(own.count(channel), 0u) << role << " has " << channel;
      }
    }
  }
  EXPECT_FALSE(absl::StrContains(*own.begin(), "memfd"));
}

TEST(AdminProcess, EndsWithTheMaster) {
  const auto server = Server::StartUsual({kAnywhere});
  const pid_t admin = AdminOf(*server);
  server->Signal(SIGKILL);
  EXPECT_TRUE(Eventually([&] { return !ProcessExists(admin); }));
}

// --- Addresses that cannot be had

TEST(AdminAddress, ThatIsWrittenAndTakenEndsTheStart) {
  const auto server = Server::StartUsual();
  const std::string taken = server->address("echo");
  const ProgramResult result = RunProgram(
      {Program("windlassd"), "--listen=message://127.0.0.1:0", "--set=admin.address=" + taken});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr(absl::StrCat("admin.address: bind ", taken,
                                                 ": Address already in use (admin.address = \"\" "
                                                 "turns the pages off)")));
}

TEST(AdminAddress, ThatIsTheDefaultAndTakenIsWarnedOf) {
  // Ours, or somebody else's: it is taken.
  const OwnedFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(9465);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    ASSERT_EQ(::listen(socket.get(), 1), 0);
  }
  const auto server = Server::StartUsual({"--set=admin.hosts=[\"x\"]"});
  EXPECT_TRUE(server->LogHas("no admin pages: bind 127.0.0.1:9465: Address already in use"));
  EXPECT_TRUE(server->Children("admin").empty());
  EXPECT_TRUE(Serves(server->address("message")));
}

}  // namespace
}  // namespace windlass
