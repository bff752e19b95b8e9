#ifndef WINDLASS_TESTS_SCENARIO_SERVER_H_
#define WINDLASS_TESTS_SCENARIO_SERVER_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "windlass/owned_fd.h"

namespace windlass {

// How long a scenario waits for something that should happen soon. Generous: the machine may be
// busy, and a sanitizer slow.
constexpr absl::Duration kSoon = absl::Seconds(20);

// Calls `condition` until it is true or `limit` has passed; says which.
template <typename Condition>
bool Eventually(Condition condition, absl::Duration limit = kSoon) {
  const absl::Time end = absl::Now() + limit;
  while (!condition()) {
    if (absl::Now() > end) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

// What became of a program that was run to its end.
struct ProgramResult {
  int exit_code = -1;  // 128 + signal when killed
  std::string out, err;
};
ProgramResult RunProgram(const std::vector<std::string>& arguments, const std::string& input = "",
                         absl::Duration limit = kSoon);
// build/NAME
std::string Program(const std::string& name);

// A folder of its own for one test, removed afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::string& path() const { return path_; }
  // Writes a file, readable by everybody; returns its path. A file that is there is replaced at
  // once: readers see the old content or the new one.
  std::string Write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

// A real windlassd with real children, as its operator would start it. Ended, with everything it
// made, by the destructor.
class Server {
 public:
  // `arguments` without the program. The first listener of each protocol is found by name
  // afterwards.
  static std::unique_ptr<Server> Start(std::vector<std::string> arguments);
  // One listener of each protocol on loopback, two workers, two pool processes, and `more`
  // arguments.
  static std::unique_ptr<Server> StartUsual(std::vector<std::string> more = {});
  // With --config, a file of this text that lives as long as the server, and `more` arguments.
  static std::unique_ptr<Server> StartWithConfig(const std::string& toml_text,
                                                 std::vector<std::string> more = {});
  // As StartUsual, of another program than build/windlassd.
  static std::unique_ptr<Server> StartProgram(const std::string& program,
                                              std::vector<std::string> more = {});
  ~Server();

  // "127.0.0.1:40123" or "unix:/path" of the listener; fails the test when there is none.
  std::string address(const std::string& protocol) const;
  pid_t pid() const { return pid_; }
  // Live children by what they are: "worker" or "pool". By /proc.
  std::vector<pid_t> Children(const std::string& role) const;
  void Signal(int signal) const;
  // Of StartWithConfig. The server reads a new text when it is told to.
  std::string config_path() const;
  void WriteConfig(const std::string& toml_text) const;
  // Of StartUsual and StartWithConfig.
  std::string control_path() const;
  // "127.0.0.1:40124": where the admin pages are; fails the test when there are none. A server has
  // them only if its arguments or its configuration set admin.address.
  std::string admin_address() const;
  // Runs windlassctl with these arguments on the control socket, to its end.
  ProgramResult Ctl(std::vector<std::string> arguments) const;
  // The exit code, 128 + signal, or -1 when it has not ended within kSoon.
  int WaitForEnd();
  // Everything on stderr so far.
  std::string Log() const;
  bool LogHas(const std::string& text) const;

 private:
  Server() = default;
  // And waits until it serves. `program`: "" = build/windlassd.
  void Spawn(std::vector<std::string> arguments, const std::string& program = "");
  std::string ControlArgument() const;

  pid_t pid_ = 0;
  bool ended_ = false;
  std::string log_path_;
  TemporaryFolder folder_;  // configuration and control socket
  std::map<std::string, std::string> addresses_;
  std::string admin_address_;
};

bool ProcessExists(pid_t pid);  // and is no zombie
// User and system time that a process has used.
absl::Duration CpuTime(pid_t pid);

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_SERVER_H_
