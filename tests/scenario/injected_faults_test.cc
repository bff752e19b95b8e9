// System calls that fail as they do when the machine is short of something, by strace --inject, in
// the middle of work: no crash, no spin, and no answer that is wrong, doubled or somebody else's.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/sanitizer.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

extern char** environ;

namespace windlass {
namespace {

struct InjectedFault {
  const char* role;  // of the processes whose calls fail
  const char* call;
  const char* error;
  const char* when;  // as of strace(1): which calls. Of frequent ones none at the end: one from
                     // whose middle strace detaches fails with ENOSYS, which no kernel returns
  bool may_drop = false;  // a client's connection may end by it
  int least = 5;          // so many times it must have happened
};

const InjectedFault kFaults[] = {
    {"worker", "accept4", "EMFILE", "1+2", true},
    {"worker", "accept4", "ENOMEM", "1+2", true},
    {"worker", "accept4", "EINTR", "1+3"},
    // Of a removal, which the kernel never refuses, it would be the end of the worker.
    {"worker", "epoll_ctl", "ENOMEM", "5..400+37", true, 1},
    {"worker", "memfd_create", "EMFILE", "1+2"},
    {"worker", "memfd_create", "ENOMEM", "1+3"},
    {"worker", "mmap", "ENOMEM", "1+2"},
    {"worker", "sendmsg", "EAGAIN", "3..400+7"},
    {"worker", "sendmsg", "ENOBUFS", "3..400+11", true},
    {"worker", "sendmsg", "EINTR", "2..400+5"},
    {"worker", "sendto", "EAGAIN", "3..400+7"},
    {"worker", "sendto", "EINTR", "2..400+5"},
    {"worker", "recvfrom", "EINTR", "2..400+5"},
    {"worker", "recvfrom", "EAGAIN", "3..400+7"},
    {"worker", "recvmsg", "EINTR", "2..400+5"},
    {"worker", "recvmsg", "EAGAIN", "3..400+7"},
    {"worker", "recvmsg", "ENOMEM", "3..400+23"},
    {"pool", "recvmsg", "EAGAIN", "3..400+7"},
    {"pool", "recvmsg", "EINTR", "2..400+5"},
    {"pool", "recvmsg", "ENOMEM", "3..400+23"},
    {"pool", "sendmsg", "EAGAIN", "5..400+41", true},  // the worker is taken for stuck
    {"pool", "sendmsg", "EINTR", "2..400+5"},
    {"pool", "sendmsg", "ENOBUFS", "5..400+41", true},
    {"pool", "memfd_create", "EMFILE", "1+2", false, 1},
    {"pool", "mmap", "ENOMEM", "1+3"},
    // Of these the master and the zygote make some when a process has died, which others do.
    {"master", "clone", "EAGAIN", "1+2", true},
    {"master", "clone", "ENOMEM", "2+3", true},
    {"master", "socketpair", "EMFILE", "1+2", true},
    {"master", "memfd_create", "EMFILE", "1+2", true},
    {"master", "recvmsg", "EINTR", "1..400+3", true},
    {"master", "recvmsg", "ENOMEM", "2..400+5", true},
    {"master", "sendmsg", "ENOBUFS", "2..400+5", true},
    {"zygote", "clone", "EAGAIN", "1+2", true},
    {"zygote", "clone", "ENOMEM", "1+2", true},
};

std::ostream& operator<<(std::ostream& out, const InjectedFault& fault) {
  return out << fault.call << " of a " << fault.role << " returns " << fault.error;
}

std::string NameOf(const testing::TestParamInfo<InjectedFault>& info) {
  return absl::StrCat(info.param.role, "_", info.param.call, "_", info.param.error);
}

// strace, attached to processes, until it is destroyed.
class Injection {
 public:
  Injection(const InjectedFault& fault, const std::vector<pid_t>& pids, const std::string& folder)
      : said_(folder + "/strace") {
    std::vector<std::string> words = {
        "strace",
        "-f",
        "-o",
        said_,
        "-e",
        absl::StrCat("trace=", fault.call),
        "-e",
        absl::StrCat("inject=", fault.call, ":error=", fault.error, ":when=", fault.when)};
    for (const pid_t pid : pids) words.push_back(absl::StrCat("-p", pid));
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    EXPECT_EQ(posix_spawnp(&pid_, "strace", nullptr, nullptr, argv.data(), environ), 0);
  }
  ~Injection() { End(); }

  void End() {
    if (pid_ <= 0) return;
    for (int before = -1, turns = 0; before != count() && turns < 20; ++turns) {
      before = count();
      absl::SleepFor(absl::Milliseconds(100));
    }
    ::kill(pid_, SIGINT);  // it detaches
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  // How many calls have failed so far.
  int count() const {
    std::ifstream file(said_);
    int injected = 0;
    for (std::string line; std::getline(file, line);) {
      if (absl::StrContains(line, "(INJECTED)")) ++injected;
    }
    return injected;
  }

 private:
  const std::string said_;
  pid_t pid_ = 0;
};

double CpuSeconds(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/schedstat"));
  double nanoseconds = 0;
  file >> nanoseconds;
  return nanoseconds / 1e9;
}

class InjectedFaultTest : public testing::TestWithParam<InjectedFault> {
 protected:
  static bool HasStrace() { return ::system("strace -V >/dev/null 2>&1") == 0; }
  static std::vector<pid_t> PidsOf(const Server& server, const std::string& role) {
    return role == "master" ? std::vector<pid_t>{server.pid()} : server.Children(role);
  }
  // What makes a worker ask for memory: the head of a large request. What makes a pool process do:
  // an answer that nobody reads, larger than what sockets take. What they keep for the next one
  // runs out, because these stay.
  static void AskForMemory(const Server& server, absl::string_view role,
                           std::vector<Client>* unfinished) {
    const bool of_pool = role == "pool";
    const size_t most = of_pool ? 8 : 64;
    if (unfinished->size() == most) unfinished->clear();
    const std::string whole = MessageRequest(std::string(of_pool ? 12'000'000 : 200'000, 'x'),
                                             "text/plain", "utf-8", R"(, "handler": "echo")");
    unfinished->emplace_back(server.address("message"));
    (void)unfinished->back().Send(
        absl::string_view(whole).substr(0, of_pool ? whole.size() : 1000));
  }
  // So that processes are made.
  static void KillOne(const Server& server, int round) {
    const std::vector<pid_t> pids = server.Children(round % 3 == 0 ? "worker" : "pool");
    if (!pids.empty()) ::kill(pids[0], SIGKILL);
  }
};

TEST_P(InjectedFaultTest, CostsNoAnswerAndNoProcess) {
  if (!HasStrace()) GTEST_SKIP() << "not installed: strace";
  const InjectedFault& fault = GetParam();
#ifdef WINDLASS_ADDRESS_SANITIZER
  if (absl::string_view(fault.call) == "mmap") {
    GTEST_SKIP() << "the address sanitizer ends a process that it cannot map memory for";
  }
#endif
  const TemporaryFolder folder;
  const auto server = Server::StartWithConfig(ConfigText());
  Ledger ledger(
      {.message_address = server->address("message"), .line_address = server->address("line")});
  ledger.Start();
  ASSERT_TRUE(Eventually([&] { return ledger.answered() > 100; }));
  {
    Injection injection(fault, PidsOf(*server, fault.role), folder.path());
    const bool kills =
        absl::string_view(fault.role) == "master" || absl::string_view(fault.role) == "zygote";
    const absl::string_view call = fault.call;
    const bool takes_memory = !kills && (call == "memfd_create" || call == "mmap");
    std::vector<Client> unfinished;
    int round = 0;
    ASSERT_TRUE(Eventually(
        [&] {
          // Of some calls there are only few, by new clients.
          if (!kills) (void)Serves(server->address("message"));
          if (kills) KillOne(*server, round++);
          if (takes_memory) AskForMemory(*server, fault.role, &unfinished);
          return injection.count() >= fault.least;
        },
        absl::Seconds(20)))
        << "too few calls";
    absl::SleepFor(absl::Milliseconds(500));
  }
  EXPECT_TRUE(Eventually(
      [&] {
        const ServerStatus status = ServerStatus::Of(*server);
        return status.Serving("worker").size() == 2 && status.Serving("pool").size() == 2;
      },
      absl::Seconds(20)))
      << "all are there again";
  const uint64_t so_far = ledger.answered();
  EXPECT_TRUE(Eventually([&] { return ledger.answered() > so_far + 100; })) << "it goes on";
  ledger.Stop();
  EXPECT_EQ(ledger.wrong(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.out_of_order(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.duplicates(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.strangers(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.in_flight(), 0u) << ledger.Report();
  if (!fault.may_drop) {
    EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
    EXPECT_EQ(ServerStatus::Of(*server).totals.at("deaths"), 0u);
  }
  // Nothing is left that somebody would ask for again and again.
  for (const char* role : {"worker", "pool"}) {
    for (const pid_t pid : server->Children(role)) {
      const double before = CpuSeconds(pid);
      absl::SleepFor(absl::Milliseconds(100));
      EXPECT_LT(CpuSeconds(pid) - before, 0.05) << role << " spins";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, InjectedFaultTest, testing::ValuesIn(kFaults), NameOf);

}  // namespace
}  // namespace windlass
