#include "tools/bench/bench_options.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/address.h"
#include "common/units.h"
#include "tools/bench/numbered_template.h"
#include "tools/client/command_line.h"

namespace windlass {
namespace {

constexpr std::array<OptionSpec, 14> kOptions = {{{"target", true},
                                                  {"connections", true},
                                                  {"pipeline", true},
                                                  {"duration", true},
                                                  {"requests", true},
                                                  {"rate", true},
                                                  {"handler", true},
                                                  {"size", true},
                                                  {"burn-ms", true},
                                                  {"timeout", true},
                                                  {"keepalive"},
                                                  {"json"},
                                                  {"help"},
                                                  {"version"}}};

struct Scheme {
  absl::string_view prefix;
  Protocol protocol;
};
constexpr std::array<Scheme, 4> kSchemes = {{{"message://", Protocol::kMessage},
                                             {"echo://", Protocol::kEcho},
                                             {"line://", Protocol::kLine},
                                             {"length://", Protocol::kLength}}};

constexpr absl::Duration kMaxDuration = absl::Hours(24);
constexpr double kMaxRate = 1e7;           // more than a loopback interface carries
constexpr uint64_t kMaxSize = 1ULL << 30;  // the whole payload is in memory, twice

absl::Status Bad(absl::string_view option, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("--", option, ": ", why));
}

absl::Status TakeTarget(const CommandLine& line, BenchOptions* options) {
  options->target = line.Value("target");
  absl::string_view rest = options->target;
  const auto scheme = std::find_if(kSchemes.begin(), kSchemes.end(), [&rest](const Scheme& one) {
    return absl::ConsumePrefix(&rest, one.prefix);
  });
  if (scheme == kSchemes.end()) {
    return Bad("target",
               "write PROTOCOL://ADDRESS with message, echo, line or length, as in "
               "message://127.0.0.1:65432");
  }
  options->protocol = scheme->protocol;
  options->address = std::string(rest);
  const absl::StatusOr<ListenAddress> address = ParseListenAddress(rest);
  return address.ok() ? absl::OkStatus() : Bad("target", address.status().message());
}

absl::Status TakeCount(const CommandLine& line, absl::string_view option, uint64_t least,
                       uint64_t most, uint32_t* into) {
  if (!line.Has(option)) return absl::OkStatus();
  const auto count = ParseCount(absl::StrCat("--", option), line.Value(option), least, most);
  if (count.ok()) *into = static_cast<uint32_t>(*count);
  return count.status();
}

absl::Status TakeDuration(const CommandLine& line, absl::string_view option, absl::Duration* into) {
  const absl::StatusOr<absl::Duration> given = ParseDuration(line.Value(option));
  if (!given.ok()) return Bad(option, given.status().message());
  if (*given <= absl::ZeroDuration() || *given > kMaxDuration) {
    return Bad(option, "must be more than 0 and at most 24h, so that every run ends");
  }
  *into = *given;
  return absl::OkStatus();
}

absl::Status TakeRate(const CommandLine& line, BenchOptions* options) {
  if (!line.Has("rate")) return absl::OkStatus();
  const std::string given = line.Value("rate");
  double rate = 0;
  if (!absl::SimpleAtod(absl::StripSuffix(given, "/s"), &rate) || !std::isfinite(rate) ||
      rate <= 0 || rate > kMaxRate) {
    return Bad("rate", absl::StrCat("'", given,
                                    "' is not a number of requests per second, as in "
                                    "5000/s"));
  }
  options->rate = rate;
  return absl::OkStatus();
}

absl::Status TakeBounds(const CommandLine& line, BenchOptions* options) {
  if (line.Has("requests")) {
    const auto count =
        ParseCount("--requests", line.Value("requests"), 1, NumberedTemplate::kNumbers - 1);
    if (!count.ok()) return count.status();
    options->requests = *count;
  }
  if (line.Has("duration") || !options->requests) {
    options->duration = absl::Seconds(10);
  }
  if (line.Has("duration")) {
    absl::Status taken = TakeDuration(line, "duration", &*options->duration);
    if (!taken.ok()) return taken;
  }
  return line.Has("timeout") ? TakeDuration(line, "timeout", &options->timeout) : absl::OkStatus();
}

absl::Status TakePayload(const CommandLine& line, BenchOptions* options) {
  options->handler = line.Value("handler");
  if (!line.Has("size")) return absl::OkStatus();
  const absl::StatusOr<uint64_t> size = ParseSize(line.Value("size"));
  if (!size.ok()) return Bad("size", size.status().message());
  if (*size < NumberedTemplate::kDigits || *size > kMaxSize) {
    return Bad("size", "must be from 10 bytes (every payload carries a number) to 1GiB");
  }
  options->size = *size;
  return absl::OkStatus();
}

// What is right by itself but not together.
absl::Status CheckTogether(const CommandLine& line, const BenchOptions& options) {
  if (line.Has("handler") && options.protocol != Protocol::kMessage) {
    return Bad("handler", "only message requests can name one");
  }
  if (line.Has("burn-ms") && options.handler != "burn") {
    return Bad("burn-ms", "needs --handler=burn");
  }
  if (options.keepalive && options.protocol != Protocol::kLength) {
    return Bad("keepalive", "is for length targets; the others always keep their connections");
  }
  if (options.protocol == Protocol::kLength && !options.keepalive && options.pipeline > 1) {
    return Bad("pipeline", "a length listener closes after each answer (if not: --keepalive)");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BenchOptions> ParseBenchOptions(absl::Span<const std::string> args) {
  const absl::StatusOr<CommandLine> line = CommandLine::Split(args, kOptions);
  if (!line.ok()) return line.status();
  BenchOptions options;
  options.help = line->Has("help");
  options.version = line->Has("version");
  if (options.help || options.version) return options;
  if (!line->positionals().empty() || !line->Has("target")) {
    return absl::InvalidArgumentError(
        "usage: windlass-bench --target=PROTOCOL://ADDRESS [OPTION]...");
  }
  options.json = line->Has("json");
  options.keepalive = line->Has("keepalive");
  absl::Status status = TakeTarget(*line, &options);
  status.Update(TakeCount(*line, "connections", 1, 1'000'000, &options.connections));
  status.Update(TakeCount(*line, "pipeline", 1, 1'000'000, &options.pipeline));
  status.Update(TakeCount(*line, "burn-ms", 0, 86'400'000, &options.burn_ms));
  status.Update(TakeRate(*line, &options));
  status.Update(TakeBounds(*line, &options));
  status.Update(TakePayload(*line, &options));
  status.Update(CheckTogether(*line, options));
  if (!status.ok()) return status;
  return options;
}

absl::string_view BenchUsage() {
  return R"(usage: windlass-bench --target=PROTOCOL://ADDRESS [OPTION]...

Loads a listener, verifies every answer, and reports throughput, latency and errors.

  --target=PROTOCOL://ADDRESS  message, echo, line or length, and HOST:PORT or unix:/PATH
  --connections=16     how many
  --pipeline=1         open requests per connection, at most
  --duration=10s       send for that long, then wait for the last answers
  --requests=N         send that many (with --duration: whichever ends first)
  --rate=N/s           open loop: requests are due at fixed times, and latency counts from then, also
                       when the server (or every connection) was too busy for them to be sent.
                       Default: closed loop
  --handler=NAME       message: name it in the request. Default: none, which routes to `binary`.
                       Answers of binary, echo and burn are verified; of any other handler, only
                       that the status is ok
  --size=128           bytes of payload, with a unit if you like (64KiB); at least 10
  --burn-ms=1          handler burn: how long each request burns
  --keepalive          length: the listener keeps connections. Default: a new one for each request
  --timeout=10s        an answer that takes longer is an error; a run without an answer for that long
                       ends
  --json               the result as one JSON object
  --help, --version

JSON: `requests` were given to a connection; `errors` (by kind in `errors_by_kind`: connect, closed,
timeout, unsent, malformed, or the status of an error answer) and `mismatched` are not among the right
answers, of which `rps` and `latency_us` tell.
Exit code: 0 all answers right, 1 errors or mismatches, 2 usage, 3 cannot connect.
)";
}

}  // namespace windlass
