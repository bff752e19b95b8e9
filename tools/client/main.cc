#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "tools/client/client_options.h"
#include "tools/client/commands.h"

// `windlass`: the client. Parses the command line, runs one command, ends with its exit code.
int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> args(argv + 1, argv + argc);
  const absl::StatusOr<windlass::ClientOptions> options = windlass::ParseClientOptions(args);
  if (!options.ok()) {
    const auto exit_code = windlass::ReportFailure(options.status(), false);
    std::fputs("try: windlass --help\n", stderr);
    return static_cast<int>(exit_code);
  }
  return static_cast<int>(windlass::RunClientCommand(*options));
}
