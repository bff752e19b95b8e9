// Everything an operator does to a running server at once, and clients that must not notice.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/ledger.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

constexpr int kLeastReloads = 100;
constexpr uint64_t kLeastRequests = 100'000;

// How long at least: `make soak` sets it.
absl::Duration LeastTime() {
  const char* const seconds = std::getenv("WINDLASS_SOAK_SECONDS");
  return absl::Seconds(seconds == nullptr ? 0 : std::atoi(seconds));
}

// Each is what the server is told to be next; some of it cannot be.
class Driver {
 public:
  Driver(const Server& server, const std::string& sink, const Ledger& ledger)
      : server_(server),
        append_(HandlerText("append", absl::StrCat("file = \"", sink, "\""))),
        ledger_(ledger) {}

  void Step() {
    switch (step_++ % 7) {
      case 0:
        return ReloadTo({.handlers = append_, .listeners = Listeners()}, true);
      case 1:
        ReloadTo({.workers = 3,
                  .pool = 1,
                  .in_pool = "max_jobs = 300",
                  .handlers = append_,
                  .listeners = Listeners()},
                 true);
        // The first time; later it may, and may not.
        EXPECT_TRUE(Eventually([&] { return server_.LogHas("has reached max_jobs"); }));
        return;
      case 2:
        return Upgrade(true);
      case 3:
        return Scale({"workers=4", "pool=3"});
      case 4:
        return ReloadTo({.handlers = HandlerText("search", "table = \"/no/such/table.json\""),
                         .listeners = Listeners()},
                        false);
      case 5:
        return Upgrade(false);  // the new binary takes over, and its processes cannot start
      default:
        return Scale({"workers=1", "pool=2"});
    }
  }

  static std::string Listeners() {
    return ListenerText("message") + ListenerText("line", "handler = \"append\"");
  }
  int reloads() const { return reloads_; }
  int busy_reloads() const { return busy_reloads_; }

 private:
  void ReloadTo(ConfigParts parts, bool good) {
    server_.WriteConfig(ConfigText(parts));
    Bring("reload", good);
  }
  void Upgrade(bool good) { Bring("upgrade", good); }
  void Bring(const std::string& command, bool good) {
    ++reloads_;
    if (ledger_.in_flight() > 0) ++busy_reloads_;
    const ProgramResult result = server_.Ctl({command});
    EXPECT_EQ(result.exit_code, good ? 0 : 1) << result.out << result.err;
  }
  void Scale(std::vector<std::string> to) {
    to.insert(to.begin(), "scale");
    const ProgramResult result = server_.Ctl(to);
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  }

  const Server& server_;
  const std::string append_;
  const Ledger& ledger_;
  int step_ = 0, reloads_ = 0, busy_reloads_ = 0;
};

TEST(OperatorWhoReloadsScalesAndRecyclesAllTheTime, LosesNothingAndRepeatsNothing) {
  const TemporaryFolder folder;
  const std::string sink = folder.Write("sink", "");
  ASSERT_EQ(::chmod(sink.c_str(), 0666), 0);  // pool processes run as nobody
  const std::string append = HandlerText("append", absl::StrCat("file = \"", sink, "\""));
  const auto server =
      Server::StartWithConfig(ConfigText({.handlers = append, .listeners = Driver::Listeners()}));
  Ledger ledger({.message_address = server->address("message"),
                 .line_address = server->address("line"),
                 .handler = "append",
                 .only_small_payloads = true});
  Driver driver(*server, sink, ledger);
  ledger.Start();
  const absl::Time least = absl::Now() + LeastTime();
  const absl::Time end = least + absl::Seconds(80);
  while (absl::Now() < least || (absl::Now() < end && (driver.reloads() < kLeastReloads ||
                                                       ledger.answered() < kLeastRequests))) {
    driver.Step();
    // So that each configuration does some work, and max_jobs is reached.
    const uint64_t so_far = ledger.answered();
    EXPECT_TRUE(Eventually([&] { return ledger.answered() >= so_far + 800; })) << ledger.Report();
  }
  EXPECT_TRUE(OldGenerationsEnd(*server));
  ledger.Stop();
  const ServerStatus status = ServerStatus::Of(*server);
  EXPECT_GE(driver.reloads(), kLeastReloads);
  EXPECT_GE(driver.busy_reloads() * 10, driver.reloads() * 8);
  EXPECT_GE(ledger.answered(), kLeastRequests);
  EXPECT_GT(status.totals.at("connections_moved"), 0u);
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.refused(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.in_flight(), 0u) << ledger.Report();
  const ExecutionCheck check = Ledger::CheckExecutions(sink, ledger.AnsweredIds());
  EXPECT_EQ(check.records, ledger.sent());
  EXPECT_EQ(check.repeated, 0u) << check.examples;
  EXPECT_EQ(check.missing, 0u) << check.examples;
  EXPECT_EQ(check.torn, 0u) << check.examples;
}

}  // namespace
}  // namespace windlass
