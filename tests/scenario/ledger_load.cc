// The ledger as a program, for tests whose server runs where no C++ test does: keeps a server busy,
// prints what became of every request, and ends with 0 only if each was answered as it should be.
//
//   ledger_load --message=ADDRESS --line=ADDRESS [--handler=NAME] [--connections=N] [--seconds=N]
//
// Runs until SIGTERM or SIGINT, at most `seconds` (60). ADDRESS as in `windlass --help`; the
// handlers must answer with the content. Says "under load" once the first request is answered.
#include <csignal>
#include <iostream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/scenario/ledger.h"

namespace windlass {
namespace {

constexpr int kExitTroubled = 1, kExitUsage = 2;
constexpr absl::Duration kTurn = absl::Milliseconds(20);

struct LoadOptions {
  Ledger::Options ledger;
  int seconds = 60;
};

bool ParseNumber(absl::string_view text, int* number) {
  return absl::SimpleAtoi(text, number) && *number > 0;
}

bool ParseOption(absl::string_view text, LoadOptions* options) {
  if (absl::ConsumePrefix(&text, "--message="))
    return options->ledger.message_address = std::string(text), !text.empty();
  if (absl::ConsumePrefix(&text, "--line="))
    return options->ledger.line_address = std::string(text), !text.empty();
  if (absl::ConsumePrefix(&text, "--handler="))
    return options->ledger.handler = std::string(text), !text.empty();
  if (absl::ConsumePrefix(&text, "--connections="))
    return ParseNumber(text, &options->ledger.connections_per_protocol);
  if (absl::ConsumePrefix(&text, "--seconds=")) return ParseNumber(text, &options->seconds);
  return false;
}

// Those that end it wait until they are taken here; the ledger's threads inherit that.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void WaitForStop(const Ledger& ledger, const sigset_t& signals, absl::Time end) {
  const timespec turn = absl::ToTimespec(kTurn);
  bool announced = false;
  while (absl::Now() < end && sigtimedwait(&signals, nullptr, &turn) < 0) {
    if (announced || ledger.answered() == 0) continue;
    std::cout << "under load" << std::endl;
    announced = true;
  }
}

int Main(int argc, char** argv) {
  LoadOptions options;
  for (int i = 1; i < argc; ++i) {
    if (ParseOption(argv[i], &options)) continue;
    std::cerr << "ledger_load: bad option " << argv[i] << std::endl;
    return kExitUsage;
  }
  if (options.ledger.message_address.empty() && options.ledger.line_address.empty()) {
    std::cerr << "ledger_load: --message=ADDRESS, --line=ADDRESS or both" << std::endl;
    return kExitUsage;
  }
  const sigset_t signals = BlockStopSignals();
  Ledger ledger(options.ledger);
  ledger.Start();
  WaitForStop(ledger, signals, absl::Now() + absl::Seconds(options.seconds));
  ledger.Stop();
  std::cout << ledger.Report() << std::flush;
  const bool good = ledger.troubles() == 0 && ledger.refused() == 0 && ledger.in_flight() == 0 &&
                    ledger.answered() > 0;
  return good ? 0 : kExitTroubled;
}

}  // namespace
}  // namespace windlass

int main(int argc, char** argv) { return windlass::Main(argc, argv); }
