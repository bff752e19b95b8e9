// What each role may do and has: everything else was given up before it ran.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr char kReserve[] = "/dev/null";  // an acceptor's, to turn a client away when there is none

// "Groups" of /proc/PID/status.
std::string StatusOf(pid_t pid, absl::string_view name) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, absl::StrCat(name, ":"))) continue;
    return std::string(absl::StripAsciiWhitespace(line.substr(name.size() + 1)));
  }
  return "?";
}

// What descriptors beyond standard input, output and error lead to: "socket:[17]",
// "anon_inode:...".
std::multiset<std::string> FilesOf(pid_t pid) {
  std::multiset<std::string> files;
  const std::string folder = absl::StrCat("/proc/", pid, "/fd");
  DIR* const directory = opendir(folder.c_str());
  if (directory == nullptr) return files;
  while (const dirent* entry = readdir(directory)) {
    int fd = 0;
    char target[256];
    if (!absl::SimpleAtoi(entry->d_name, &fd) || fd <= 2) continue;
    const ssize_t size =
        readlink(absl::StrCat(folder, "/", entry->d_name).c_str(), target, sizeof(target));
    if (size > 0) files.emplace(target, static_cast<size_t>(size));
  }
  closedir(directory);
  return files;
}

bool IsSocket(const std::string& file) { return absl::StartsWith(file, "socket:"); }

std::set<std::string> SocketsOf(pid_t pid) {
  std::set<std::string> sockets;
  for (const std::string& file : FilesOf(pid)) {
    if (IsSocket(file)) sockets.insert(file);
  }
  return sockets;
}

// What is no socket, by kind, without the name of where the log goes.
std::multiset<std::string> OthersOf(pid_t pid) {
  std::multiset<std::string> others;
  const std::multiset<std::string> files = FilesOf(pid);
  for (const std::string& file : files) {
    if (!IsSocket(file) && !absl::StrContains(file, "windlass-test-log")) others.insert(file);
  }
  return others;
}

std::set<std::string> Both(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::set<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

// With the admin process, which most tests do without.
class RolesTest : public testing::Test {
 protected:
  RolesTest()
      : server_(Server::StartWithConfig(ConfigText({.in_workers = "max = 8"}) +
                                        "[admin]\naddress = \"127.0.0.1:0\"\n")) {}

  pid_t One(const std::string& role, size_t index = 0) const {
    return server_->Children(role).at(index);
  }

  const std::unique_ptr<Server> server_;
};

TEST_F(RolesTest, AllHaveNoCapabilitiesNoGroupsAndNoWayToGainAny) {
  for (const char* role : {"worker", "pool", "zygote", "admin"}) {
    const pid_t pid = One(role);
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      // Only root may empty that one, and only for root it means something.
      if (absl::string_view(set) == "CapBnd" && geteuid() != 0) continue;
      EXPECT_EQ(StatusOf(pid, set), "0000000000000000") << role << " " << set;
    }
    EXPECT_EQ(StatusOf(pid, "NoNewPrivs"), "1") << role;
    if (geteuid() == 0) {
      EXPECT_EQ(StatusOf(pid, "Groups"), "") << role;
    }
  }
}

TEST_F(RolesTest, OnlyPoolProcessesAreInTheSandbox) {
  const std::string before = StatusOf(getpid(), "Seccomp");
  EXPECT_EQ(StatusOf(One("pool"), "Seccomp"), "2");
  for (const char* role : {"worker", "zygote", "admin"}) {
    EXPECT_EQ(StatusOf(One(role), "Seccomp"), before) << role;
  }
}

// So that a handler that has the operator's user is no operator.
TEST_F(RolesTest, OnlyPoolProcessesBearTheMarkThatTheControlSocketRefuses) {
  for (const char* role : {"worker", "pool", "zygote", "admin"}) {
    std::ifstream limits(absl::StrCat("/proc/", One(role), "/limits"));
    std::string line;
    while (std::getline(limits, line) && !absl::StartsWith(line, "Max file locks")) continue;
    const std::vector<std::string> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    ASSERT_EQ(fields.size(), 6u) << line;  // three words, soft, hard, unit
    EXPECT_EQ(fields[4] == "0", absl::string_view(role) == "pool") << role << ": " << line;
  }
}

// A handler's Start may do anything that the handler may, and what it forks stays.
TEST(PoolMark, IsThereBeforeTheHandlerStarts) {
  const auto server = Server::StartWithConfig(ConfigText(
      {.handlers = absl::StrCat("[[handler]]\nname = \"everything\"\nlibrary = \"",
                                WINDLASS_BUILD_DIR, "/tests/plugins/every_feature.so\"\n")}));
  Client client(server->address("message"));
  client.Send(MessageRequest("locks", "text/plain", "utf-8", R"(, "handler": "everything")"));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->content, "at most 0");
}

// Its channels: to the master, to the pool, its own answers; the four listeners.
TEST_F(RolesTest, AWorkerHasItsChannelsAndTheListeners) {
  for (const pid_t worker : server_->Children("worker")) {
    EXPECT_EQ(SocketsOf(worker).size(), 3u + 4u);
    EXPECT_THAT(OthersOf(worker),
                UnorderedElementsAre("anon_inode:[eventpoll]", "/memfd:windlass-secret (deleted)",
                                     kReserve));
  }
  EXPECT_EQ(Both(SocketsOf(One("worker", 0)), SocketsOf(One("worker", 1))).size(), 1u + 4u)
      << "the job queue and the listeners";
}

TEST_F(RolesTest, APoolProcessHasItsChannelsOnly) {
  const std::set<std::string> pool = SocketsOf(One("pool"));
  // To the master, from the workers, and to each worker that there may be.
  EXPECT_GE(pool.size(), 2u + 8u);
  EXPECT_LE(pool.size(), 2u + 10u);
  EXPECT_THAT(OthersOf(One("pool")),
              UnorderedElementsAre("anon_inode:[eventpoll]", "/memfd:windlass-output (deleted)"));
  EXPECT_EQ(Both(pool, SocketsOf(One("pool", 1))).size(), pool.size() - 1)
      << "each has a control channel of its own";
  EXPECT_THAT(Both(pool, SocketsOf(One("worker"))), IsEmpty());
}

TEST_F(RolesTest, TheZygoteHasWhatItsClonesGetAndTheScoreboard) {
  const std::set<std::string> zygote = SocketsOf(One("zygote"));
  EXPECT_EQ(Both(zygote, SocketsOf(One("pool"))).size(), zygote.size() - 1);
  EXPECT_THAT(Both(zygote, SocketsOf(One("worker"))), IsEmpty());
  EXPECT_THAT(OthersOf(One("zygote")), UnorderedElementsAre("/memfd:windlass-scoreboard (deleted)",
                                                            "/memfd:windlass-scoreboard (deleted)",
                                                            "/memfd:windlass-output (deleted)"));
}

TEST_F(RolesTest, TheAdminProcessHasNothingOfTheOthers) {
  const std::set<std::string> admin = SocketsOf(One("admin"));
  EXPECT_EQ(admin.size(), 2u) << "its listener and its channel to the master";
  for (const char* role : {"worker", "pool", "zygote"}) {
    EXPECT_THAT(Both(admin, SocketsOf(One(role))), IsEmpty()) << role;
  }
  EXPECT_THAT(OthersOf(One("admin")), UnorderedElementsAre("anon_inode:[eventpoll]", kReserve));
}

// Its own ends, the control socket, the signals, the processes: nobody else's.
TEST_F(RolesTest, NobodyHasWhatIsTheMastersOnly) {
  const std::multiset<std::string> master = FilesOf(server_->pid());
  EXPECT_THAT(master, Contains("anon_inode:[signalfd]"));
  EXPECT_THAT(master, Contains("anon_inode:[pidfd]"));
  for (const char* role : {"worker", "pool", "zygote", "admin"}) {
    for (const pid_t pid : server_->Children(role)) {
      EXPECT_THAT(FilesOf(pid), Not(Contains("anon_inode:[signalfd]"))) << role;
      EXPECT_THAT(FilesOf(pid), Not(Contains("anon_inode:[pidfd]"))) << role;
    }
  }
}

}  // namespace
}  // namespace windlass
