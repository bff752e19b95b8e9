#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "tools/ctl/ctl_commands.h"
#include "tools/ctl/ctl_options.h"

// `windlassctl`: the operator's command. Parses the command line, asks the server one thing, ends
// with its exit code.
int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.empty()) {
    std::fputs(std::string(windlass::CtlUsage()).c_str(), stderr);
    return static_cast<int>(windlass::ExitCode::kUsage);
  }
  const absl::StatusOr<windlass::CtlOptions> options = windlass::ParseCtlOptions(args);
  if (!options.ok()) {
    const auto exit_code = windlass::ReportCtlFailure(options.status(), false);
    std::fputs("try: windlassctl --help\n", stderr);
    return static_cast<int>(exit_code);
  }
  return static_cast<int>(windlass::RunCtlCommand(*options));
}
