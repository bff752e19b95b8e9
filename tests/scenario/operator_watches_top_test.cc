// `windlassctl top` in a real terminal, beside a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/status.h"
#include "tests/scenario/terminal.h"

namespace windlass {
namespace {

using testing::HasSubstr;
using testing::Not;

#define SKIP_WITHOUT_TMUX() \
  if (!Terminal::CanBeMade()) GTEST_SKIP() << "tmux is not installed"

// A shell that runs top on this control socket, and then says how it ended.
std::string TopAt(const std::string& control, const std::string& options = "",
                  const std::string& before = "") {
  return absl::StrCat("trap : INT TERM\n", before, " ", Program("windlassctl"),
                      " top --control=", control, " ", options,
                      "\necho \"ended with $?\"\nexec cat\n");
}

// The number behind a name on the screen; -1: there is none.
double NumberAfter(const std::string& screen, const std::string& name) {
  const size_t at = screen.find(name + " ");
  if (at == std::string::npos) return -1;
  char* end = nullptr;
  const char* const begin = screen.c_str() + at + name.size() + 1;
  const double number = std::strtod(begin, &end);
  return end == begin ? -1 : number;
}

TEST(OperatorWatchesTop, SeesTheServerAndItsFigures) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  Client first(server->address("message")), second(server->address("message"));
  const Terminal terminal(TopAt(server->control_path(), "--interval=0.2"));
  ASSERT_TRUE(terminal.Shows(absl::StrCat("serving  pid ", server->pid(), "  generation 1  up ")));
  EXPECT_TRUE(terminal.Shows("connections 2  workers 2/2  pool 2/2"));
  EXPECT_TRUE(terminal.Shows("every 200ms"));
  const std::string screen = terminal.Screen();
  for (const char* role : {"worker", "pool"}) {
    for (const pid_t pid : server->Children(role))
      EXPECT_THAT(screen, HasSubstr(absl::StrCat(pid)));
  }
  // Requests come, and so they do on the screen.
  EXPECT_TRUE(Eventually([&] {
    for (int i = 0; i < 5; ++i) {
      if (!first.Send(SearchRequest("morpheus")) || !first.ReadAnswer()) return false;
    }
    const std::string now = terminal.Screen();
    return NumberAfter(now, "requests/s") > 0 && NumberAfter(now, "jobs/s") > 0;
  })) << terminal.Screen();
  // They are over, and the rate is that of the last interval.
  EXPECT_TRUE(terminal.Shows("requests/s 0  jobs/s 0"));
}

TEST(OperatorWatchesTop, SeesTheSlowestRunningJob) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  ASSERT_TRUE(RunsJobs(*server, 1));
  const ServerJobs jobs = ServerJobs::Of(*server);
  ASSERT_EQ(jobs.jobs.size(), 1u);
  const Terminal terminal(TopAt(server->control_path(), "--interval=0.2"));
  ASSERT_TRUE(terminal.Shows("SLOWEST RUNNING JOBS"));
  EXPECT_TRUE(terminal.Shows(jobs.jobs[0].id));
}

TEST(OperatorWatchesTop, SortsAndFiltersByKeys) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  const Terminal terminal(TopAt(server->control_path()));
  ASSERT_TRUE(terminal.Shows("by PROCESS"));
  terminal.Press({"p"});
  EXPECT_TRUE(terminal.Shows("PROCESSES  2 of "));
  EXPECT_THAT(terminal.Screen(), Not(HasSubstr("worker-0")));
  terminal.Press({"r"});
  EXPECT_TRUE(terminal.Shows("by PROCESS, from Z to A, pool only"));
  const std::string screen = terminal.Screen();
  EXPECT_LT(screen.find("\npool-1 "), screen.find("\npool-0 ")) << screen;
  terminal.Press({"w", "Right"});
  EXPECT_TRUE(terminal.Shows("by PID, largest first, workers only"));
  EXPECT_THAT(terminal.Screen(), Not(HasSubstr("pool-0")));
  terminal.Press({"a", "<"});
  EXPECT_TRUE(terminal.Shows("by PROCESS\n"));
  EXPECT_THAT(terminal.Screen(), HasSubstr("pool-0"));
}

TEST(OperatorWatchesTop, PausesHelpsAndChangesTheInterval) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  const Terminal terminal(TopAt(server->control_path(), "--interval=0.2"));
  ASSERT_TRUE(terminal.Shows("connections 0"));
  terminal.Press({"h"});
  EXPECT_TRUE(terminal.Shows("this help, and back"));
  terminal.Press({"Escape"});
  EXPECT_TRUE(terminal.Shows("PROCESSES"));
  terminal.Press({"+"});
  EXPECT_TRUE(terminal.Shows("every 500ms"));
  terminal.Press({"Space"});
  EXPECT_TRUE(terminal.Shows("PAUSED"));
  const Client client(server->address("message"));
  ASSERT_TRUE(Eventually([&] { return ServerStatus::Of(*server).totals.at("connections") == 1; }));
  EXPECT_THAT(terminal.Screen(), HasSubstr("connections 0"));
  terminal.Press({"Space"});
  EXPECT_TRUE(terminal.Shows("connections 1"));
  EXPECT_THAT(terminal.Screen(), Not(HasSubstr("PAUSED")));
}

TEST(OperatorWatchesTop, SeesDeaths) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  const Terminal terminal(TopAt(server->control_path(), "--interval=0.2"));
  ASSERT_TRUE(terminal.Shows("deaths 0"));
  ::kill(server->Children("pool").at(0), SIGSEGV);
  EXPECT_TRUE(terminal.Shows("deaths 1"));
  terminal.Press({"s"});
  EXPECT_TRUE(terminal.Shows("1 and 0 since the start, the latest first"));
  EXPECT_TRUE(terminal.Shows("was killed by SIGSEGV"));
  terminal.Press({"s"});
  EXPECT_TRUE(terminal.Shows("PROCESSES"));
}

TEST(OperatorWatchesTop, TheWindowChangesItsSize) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  const Terminal terminal(TopAt(server->control_path(), "--interval=60"));
  ASSERT_TRUE(terminal.Shows("GEN"));
  terminal.Resize(46, 12);
  EXPECT_TRUE(terminal.StopsShowing("GEN "));  // columns are left out until the rest fits
  EXPECT_TRUE(terminal.Shows("RATE/S"));
  EXPECT_TRUE(terminal.Shows(" q quit"));
  terminal.Resize(140, 50);
  EXPECT_TRUE(terminal.Shows("GEN "));
  // The keys are in the last line, wherever that is.
  const std::string screen = terminal.Screen();
  EXPECT_EQ(std::count(screen.begin(),
                       screen.begin() + static_cast<ptrdiff_t>(screen.find(" q quit")), '\n'),
            49)
      << screen;
}

TEST(OperatorWatchesTop, KeysWorkWhileTheServerIsSilent) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  const Terminal terminal(TopAt(server->control_path(), "--interval=0.2"));
  ASSERT_TRUE(terminal.Shows("by PROCESS"));
  server->Signal(SIGSTOP);
  EXPECT_TRUE(terminal.Shows("no answer for 1s"));
  terminal.Press({"C"});
  EXPECT_TRUE(terminal.Shows("by CPU%"));
  terminal.Press({"h"});
  EXPECT_TRUE(terminal.Shows("this help, and back"));
  server->Signal(SIGCONT);
  EXPECT_TRUE(terminal.StopsShowing("no answer"));
  server->Signal(SIGSTOP);
  EXPECT_TRUE(terminal.Shows("no answer for"));
  terminal.Press({"q"});
  EXPECT_TRUE(terminal.Shows("ended with 0"));
  server->Signal(SIGCONT);
}

TEST(OperatorWatchesTop, GoesOnOverReloadAndUpgrade) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  const Terminal terminal(TopAt(server->control_path(), "--interval=0.2"));
  ASSERT_TRUE(terminal.Shows("generation 1"));
  ASSERT_TRUE(Reload(*server));
  EXPECT_TRUE(terminal.Shows("generation 2"));
  EXPECT_EQ(server->Ctl({"upgrade"}).exit_code, 0);
  EXPECT_TRUE(terminal.Shows(absl::StrCat("pid ", server->pid(), "  generation 3")));
}

TEST(OperatorWatchesTop, GoesOnWhenTheServerIsStartedAgain) {
  SKIP_WITHOUT_TMUX();
  const TemporaryFolder folder;
  const std::string control = folder.path() + "/control.sock";
  const std::string next = folder.path() + "/next";
  auto server = Server::StartUsual();
  ASSERT_EQ(::symlink(server->control_path().c_str(), control.c_str()), 0);
  // Started before the server, so to speak: that must work, too.
  const Terminal early(TopAt(next, "--interval=0.2"));
  EXPECT_TRUE(early.Shows("no control socket at"));
  EXPECT_TRUE(early.Shows(" q quit"));

  const Terminal terminal(TopAt(control, "--interval=0.2"));
  ASSERT_TRUE(terminal.Shows(absl::StrCat("pid ", server->pid())));
  server->Signal(SIGQUIT);
  ASSERT_GE(server->WaitForEnd(), 0);
  EXPECT_TRUE(terminal.Shows("trying again every second"));
  EXPECT_THAT(terminal.Screen(), HasSubstr("PROCESSES"));  // the last figures stay
  server = Server::StartUsual();
  ASSERT_EQ(::symlink(server->control_path().c_str(), next.c_str()), 0);
  EXPECT_TRUE(early.Shows(absl::StrCat("pid ", server->pid())));
  ASSERT_EQ(::rename(next.c_str(), control.c_str()), 0);
  EXPECT_TRUE(terminal.Shows(absl::StrCat("pid ", server->pid())));
  EXPECT_TRUE(terminal.StopsShowing("trying again"));
}

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// However top ends, the terminal is as it was: modes, cursor, and the lines that were there.
void ExpectCleanEnd(const std::function<void(const Terminal&)>& end) {
  const auto server = Server::StartUsual();
  const TemporaryFolder folder;
  const std::string before = folder.Write("before", ""), after = folder.Write("after", "");
  const Terminal terminal(
      absl::StrCat("trap : INT TERM\necho 'what was there'\nstty -a > ", before, "\n",
                   Program("windlassctl"), " top --control=", server->control_path(),
                   "\ncode=$?\nstty -a > ", after, "\necho \"ended with $code\"\nexec cat\n"));
  ASSERT_TRUE(terminal.Shows("PROCESSES"));
  EXPECT_EQ(terminal.Fact("alternate_on"), "1");
  EXPECT_EQ(terminal.Fact("cursor_flag"), "0");
  end(terminal);
  ASSERT_TRUE(terminal.Shows("ended with 0"));
  EXPECT_THAT(terminal.Screen(), HasSubstr("what was there\n"));
  EXPECT_EQ(terminal.Fact("alternate_on"), "0");
  EXPECT_EQ(terminal.Fact("cursor_flag"), "1");
  EXPECT_EQ(ReadFile(after), ReadFile(before));
  EXPECT_NE(ReadFile(after), "");
}

TEST(OperatorWatchesTop, QRestoresTheTerminal) {
  SKIP_WITHOUT_TMUX();
  ExpectCleanEnd([](const Terminal& terminal) { terminal.Press({"q"}); });
}

TEST(OperatorWatchesTop, CtrlCRestoresTheTerminal) {
  SKIP_WITHOUT_TMUX();
  ExpectCleanEnd([](const Terminal& terminal) { terminal.Press({"C-c"}); });
}

TEST(OperatorWatchesTop, SigtermRestoresTheTerminal) {
  SKIP_WITHOUT_TMUX();
  ExpectCleanEnd([](const Terminal& terminal) {
    ASSERT_GT(terminal.Foreground(), 0);
    ::kill(terminal.Foreground(), SIGTERM);
  });
}

TEST(OperatorWatchesTop, EndsWhenTheTerminalIsGone) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  pid_t top = 0;
  {
    const Terminal terminal(TopAt(server->control_path()));
    ASSERT_TRUE(terminal.Shows("PROCESSES"));
    top = terminal.Foreground();
    ASSERT_GT(top, 0);
  }
  EXPECT_TRUE(Eventually([&] { return !ProcessExists(top); }));
}

TEST(OperatorWatchesTop, ColoursAreLeftOutWhenTheyAreNotWanted) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  const std::string green = "\x1b[32m";
  const Terminal colours(TopAt(server->control_path()));
  ASSERT_TRUE(colours.Shows("worker-0"));
  EXPECT_THAT(colours.ScreenWithColours(), HasSubstr(green));
  for (const auto& [options, before] :
       {std::pair("--color=never", ""), std::pair("", "NO_COLOR=1"), std::pair("", "TERM=vt100")}) {
    const Terminal plain(TopAt(server->control_path(), options, before));
    ASSERT_TRUE(plain.Shows("worker-0"));
    EXPECT_THAT(plain.ScreenWithColours(), Not(HasSubstr(green))) << options << before;
  }
}

TEST(OperatorWatchesTop, ATerminalThatCannotBeDrawnOnIsRefused) {
  SKIP_WITHOUT_TMUX();
  const Terminal terminal(TopAt("/nowhere", "", "TERM=no-such-terminal"));
  EXPECT_TRUE(terminal.Shows("cannot draw on a terminal of the kind TERM='no-such-terminal'"));
  EXPECT_TRUE(terminal.Shows("ended with 1"));
}

TEST(OperatorLooksInATerminal, TablesHaveColoursAndEndAtItsEdge) {
  SKIP_WITHOUT_TMUX();
  const auto server = Server::StartUsual();
  const std::string status =
      absl::StrCat(Program("windlassctl"), " status --control=", server->control_path());
  const Terminal terminal(absl::StrCat(status, "\necho done\nexec cat\n"), 40, 60);
  ASSERT_TRUE(terminal.Shows("done"));
  EXPECT_THAT(terminal.ScreenWithColours(), HasSubstr("\x1b[32mserving"));
  EXPECT_THAT(terminal.Screen(), HasSubstr("\nworker "));
  EXPECT_THAT(terminal.Screen(), Not(HasSubstr("RSS")));
  // Through a pipe it is whole.
  const Terminal piped(
      absl::StrCat(status, " | tr 'a-z' 'A-Z' | fold -w 40\necho done\nexec cat\n"), 40, 60);
  ASSERT_TRUE(piped.Shows("done"));
  EXPECT_THAT(piped.Screen(), HasSubstr("RSS"));
  EXPECT_THAT(piped.ScreenWithColours(), Not(HasSubstr("\x1b[32m")));
}

}  // namespace
}  // namespace windlass
