#include "tests/scenario/terminal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr char kTmux[] = "/usr/bin/tmux";

}  // namespace

bool Terminal::CanBeMade() { return ::access(kTmux, X_OK) == 0; }

Terminal::Terminal(const std::string& script, int columns, int rows) {
  const std::string file = folder_.Write("script", script);
  // The lines stay when the script ends, so that a test can say what it saw.
  const ProgramResult made =
      Tmux({"new-session", "-d", "-x", std::to_string(columns), "-y", std::to_string(rows),
            absl::StrCat("exec sh ", file), ";", "set-option", "-g", "remain-on-exit", "on"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
}

Terminal::~Terminal() { Tmux({"kill-server"}); }

ProgramResult Terminal::Tmux(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(),
                   {"/usr/bin/env", "-u", "TMUX", "LC_ALL=C.UTF-8", "SHELL=/bin/sh", kTmux, "-S",
                    folder_.path() + "/tmux", "-f", "/dev/null"});
  return RunProgram(arguments);
}

std::string Terminal::Screen() const { return Tmux({"capture-pane", "-p"}).out; }

std::string Terminal::ScreenWithColours() const { return Tmux({"capture-pane", "-p", "-e"}).out; }

bool Terminal::Shows(const std::string& text) const {
  std::string screen;
  const bool shows = Eventually([&] {
    screen = Screen();
    return absl::StrContains(screen, text);
  });
  EXPECT_TRUE(shows) << "no '" << text << "' in\n" << screen;
  return shows;
}

bool Terminal::StopsShowing(const std::string& text) const {
  std::string screen;
  const bool gone = Eventually([&] {
    screen = Screen();
    return !absl::StrContains(screen, text);
  });
  EXPECT_TRUE(gone) << "still '" << text << "' in\n" << screen;
  return gone;
}

void Terminal::Press(const std::vector<std::string>& keys) const {
  std::vector<std::string> arguments = {"send-keys"};
  arguments.insert(arguments.end(), keys.begin(), keys.end());
  EXPECT_EQ(Tmux(arguments).exit_code, 0);
}

void Terminal::Resize(int columns, int rows) const {
  const ProgramResult resized =
      Tmux({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(rows)});
  EXPECT_EQ(resized.exit_code, 0) << resized.err;
}

std::string Terminal::Fact(const std::string& name) const {
  const std::string fact = Tmux({"display-message", "-p", absl::StrCat("#{", name, "}")}).out;
  return fact.substr(0, fact.find('\n'));
}

pid_t Terminal::Foreground() const {
  const std::string shell = Fact("pane_pid");
  pid_t pid = 0;
  std::ifstream(absl::StrCat("/proc/", shell, "/task/", shell, "/children")) >> pid;
  return pid;
}

}  // namespace windlass
