#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "tools/bench/bench_options.h"
#include "tools/bench/load_generator.h"
#include "tools/bench/load_shape.h"
#include "tools/bench/report.h"
#include "tools/client/commands.h"
#include "tools/client/exit_code.h"
#include "tools/client/output.h"

namespace windlass {
namespace {

ExitCode Print(absl::string_view text) {
  const absl::Status written = WriteOut(text);
  return written.ok() ? ExitCode::kOk : ReportFailure(written, /*json=*/false);
}

ExitCode RunBench(const BenchOptions& options) {
  const absl::StatusOr<LoadShape> shape = MakeLoadShape(options);
  if (!shape.ok()) return ReportFailure(shape.status(), options.json);
  BenchProgress progress;
  LoadGenerator generator(options, *shape, [&progress](const Tally& tally, absl::Duration since) {
    progress.Show(tally, since);
  });
  const absl::Status done = generator.Run();
  progress.Erase();
  if (!done.ok()) return ReportFailure(done, options.json);
  const Tally& tally = generator.tally();
  const ExitCode printed =
      Print(options.json ? JsonReport(options, tally) : TextReport(options, tally));
  const bool good = tally.AllErrors() == 0 && tally.mismatched == 0;
  return good ? printed : ExitCode::kErrorAnswer;
}

ExitCode Main(const std::vector<std::string>& args) {
  const absl::StatusOr<BenchOptions> options = ParseBenchOptions(args);
  if (!options.ok()) {
    const ExitCode exit_code = ReportFailure(options.status(), /*json=*/false);
    std::fputs("try: windlass-bench --help\n", stderr);
    return exit_code;
  }
  if (options->help) return Print(BenchUsage());
  if (options->version) return Print("windlass-bench " WINDLASS_VERSION "\n");
  return RunBench(*options);
}

}  // namespace
}  // namespace windlass

// `windlass-bench`: the load generator.
int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return static_cast<int>(windlass::Main(std::vector<std::string>(argv + 1, argv + argc)));
}
