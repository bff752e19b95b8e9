#ifndef WINDLASS_TESTS_SCENARIO_TERMINAL_H_
#define WINDLASS_TESTS_SCENARIO_TERMINAL_H_

#include <string>
#include <vector>

#include "tests/scenario/server.h"

namespace windlass {

// A terminal with a program in it, by a tmux of its own, which is ended by the destructor with all
// that runs in it.
class Terminal {
 public:
  static bool CanBeMade();  // tmux is installed

  // `script`: for sh. Fails the test when there is no terminal.
  explicit Terminal(const std::string& script, int columns = 80, int rows = 24);
  ~Terminal();

  // The visible lines, without blanks at their ends.
  std::string Screen() const;
  std::string ScreenWithColours() const;  // with escape sequences
  // Waits until it shows the text; fails the test with what it shows instead.
  bool Shows(const std::string& text) const;
  bool StopsShowing(const std::string& text) const;
  // Each is a character, or a name as tmux has them: "C-c", "Escape", "Down", "Space".
  void Press(const std::vector<std::string>& keys) const;
  void Resize(int columns, int rows) const;
  // What tmux knows of it: "alternate_on", "cursor_flag".
  std::string Fact(const std::string& name) const;
  // The program that the script's shell waits for; 0: none.
  pid_t Foreground() const;

 private:
  ProgramResult Tmux(std::vector<std::string> arguments) const;

  TemporaryFolder folder_;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_TERMINAL_H_
