#include "tools/ctl/top_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "tests/common/report/replies.h"
#include "tests/common/report/sample_reports.h"
#include "tests/tools/ctl/control_server.h"

// The clock is the test's, the sockets are real.

namespace windlass {
namespace {

// Takes one client after the other and answers each by `play`; nullopt: says nothing until the
// client is gone.
class Master {
 public:
  using Play = std::function<std::optional<proto::CtlReply>(const proto::CtlRequest&)>;

  explicit Master(Play play) : thread_([this, play] { Serve(play); }) {}
  ~Master() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // wakes the thread
    thread_.join();
  }
  std::string path() const { return folder_.SocketPath(); }

 private:
  void Serve(const Play& play) {
    for (;;) {
      OwnedFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket.valid()) return;
      ControlServer::Client client(std::move(socket));
      const std::optional<proto::CtlReply> reply = play(client.TakeRequest());
      if (reply.has_value()) {
        client.Send(Encoded(*reply));
      } else {
        client.AwaitEnd();
      }
    }
  }

  const Folder folder_;
  const OwnedFd listener_ = ListenIn(folder_);
  std::thread thread_;
};

CtlOptions OptionsFor(const std::string& path) {
  CtlOptions options;
  options.control = path;
  options.request.mutable_status();
  options.timeout = absl::Seconds(5);
  return options;
}

proto::CtlReply StatusReply(uint64_t requests) {
  proto::CtlReply reply;
  *reply.mutable_status() = CalmStatus();
  reply.mutable_status()->mutable_totals()->set_requests(requests);
  return reply;
}

constexpr Instant kStart{int64_t{1'000'000'000'000}};
Instant After(double seconds) { return kStart + absl::Seconds(seconds); }

bool Asks(const TopWatch& watch) { return !watch.Interest().empty(); }

// Steps at this moment until no answer is due any more.
void Settle(TopWatch* watch, const TopControls& controls, Instant now) {
  watch->Step(controls, now);
  while (Asks(*watch)) {
    std::vector<pollfd> entries = watch->Interest();
    ASSERT_GT(::poll(entries.data(), entries.size(), 20'000), 0) << "no answer";
    watch->Step(controls, now);
  }
}

TEST(TopWatch, AsksAtOnceAndThenOnceAnInterval) {
  uint64_t requests = 0;
  Master master([&](const auto&) { return StatusReply(requests += 100); });
  TopWatch watch(OptionsFor(master.path()));
  const TopControls controls;
  Settle(&watch, controls, After(0));
  EXPECT_TRUE(watch.picture().has_report);
  EXPECT_EQ(watch.picture().report.totals().requests(), 100u);
  EXPECT_EQ(watch.Wake(controls, After(0)), After(1));
  EXPECT_FALSE(watch.Step(controls, After(0.9)));
  EXPECT_FALSE(Asks(watch));
  Settle(&watch, controls, After(2));
  EXPECT_EQ(watch.picture().report.totals().requests(), 200u);
  EXPECT_EQ(watch.picture().model.rates.requests, 50);  // in two seconds
}

TEST(TopWatch, AsksNothingInAPauseUntilItIsToldTo) {
  uint64_t requests = 0;
  Master master([&](const auto&) { return StatusReply(++requests); });
  TopWatch watch(OptionsFor(master.path()));
  TopControls controls;
  Settle(&watch, controls, After(0));
  controls.paused = true;
  watch.Step(controls, After(1000));
  EXPECT_FALSE(Asks(watch));
  EXPECT_EQ(watch.picture().report.totals().requests(), 1u);
  EXPECT_EQ(watch.Wake(controls, After(1000)), Instant::Never());
  watch.AskNow();
  Settle(&watch, controls, After(1000));
  EXPECT_EQ(watch.picture().report.totals().requests(), 2u);
}

TEST(TopWatch, SaysHowLongTheServerIsSilentThenAsksAgain) {
  Master master([](const auto&) { return std::nullopt; });
  TopWatch watch(OptionsFor(master.path()));
  const TopControls controls;
  EXPECT_FALSE(watch.Step(controls, After(0)));
  EXPECT_LE(watch.Wake(controls, After(0)), After(1));
  EXPECT_FALSE(watch.Step(controls, After(0.9)));
  EXPECT_EQ(watch.picture().trouble, "");
  EXPECT_TRUE(watch.Step(controls, After(1.5)));
  EXPECT_EQ(watch.picture().trouble, "no answer for 1s");
  EXPECT_FALSE(watch.Step(controls, After(1.9)));
  EXPECT_TRUE(watch.Step(controls, After(3)));
  EXPECT_EQ(watch.picture().trouble, "no answer for 3s");
  EXPECT_TRUE(watch.Step(controls, After(5)));
  EXPECT_EQ(watch.picture().trouble, "trying again every second: the server does not answer");
  EXPECT_FALSE(Asks(watch));
  watch.Step(controls, After(5.1));
  EXPECT_TRUE(Asks(watch));
}

TEST(TopWatch, TriesAServerThatIsGoneEverySecondAndKeepsTheLastFigures) {
  Master master([](const auto&) { return StatusReply(7); });
  TopWatch watch(OptionsFor(master.path()));
  TopControls controls;
  controls.interval = absl::Minutes(5);
  Settle(&watch, controls, After(0));
  const std::string away = master.path() + ".away";
  ASSERT_EQ(::rename(master.path().c_str(), away.c_str()), 0);
  watch.AskNow();
  EXPECT_TRUE(watch.Step(controls, After(10)));
  EXPECT_EQ(watch.picture().trouble.find("trying again every second: no control socket at "), 0u);
  EXPECT_EQ(watch.picture().report.totals().requests(), 7u);
  EXPECT_EQ(watch.Wake(controls, After(10)), After(11));
  ASSERT_EQ(::rename(away.c_str(), master.path().c_str()), 0);
  Settle(&watch, controls, After(11));
  EXPECT_EQ(watch.picture().trouble, "");
  EXPECT_EQ(watch.Wake(controls, After(11)), After(311));
}

TEST(TopWatch, AsksForDeathsOnlyWhileTheyAreShown) {
  Master master([](const proto::CtlRequest& request) {
    if (!request.has_deaths()) return StatusReply(1);
    proto::CtlReply reply;
    *reply.mutable_deaths() = SampleDeaths();
    return reply;
  });
  TopWatch watch(OptionsFor(master.path()));
  TopControls controls;
  Settle(&watch, controls, After(0));
  EXPECT_FALSE(watch.picture().has_deaths);
  controls.page = TopPage::kStacks;
  Settle(&watch, controls, After(1));
  EXPECT_TRUE(watch.picture().has_deaths);
  EXPECT_EQ(watch.picture().deaths.total(), 5u);
}

TEST(TopWatch, AReplyThatIsNoReportIsTrouble) {
  Master master([](const auto&) { return DoneReply(false, "not now"); });
  TopWatch watch(OptionsFor(master.path()));
  Settle(&watch, {}, After(0));
  EXPECT_EQ(watch.picture().trouble, "trying again every second: not now");
  EXPECT_FALSE(watch.picture().has_report);
}

}  // namespace
}  // namespace windlass
