// What Prometheus would see of a server that has a hard life: no counter goes backwards, whatever
// ends, is replaced or takes over meanwhile.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/faulty.h"
#include "tests/scenario/http_get.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

constexpr char kAnywhere[] = "--set=admin.address=127.0.0.1:0";

// Samples by name and labels, of one scrape.
using Samples = std::map<std::string, double>;

// Empty: no answer.
Samples Scrape(const std::string& address) {
  Samples samples;
  const std::optional<Page> page = HttpGet(address, "/metrics");
  if (!page || page->status != 200) return samples;
  for (const absl::string_view line : absl::StrSplit(page->content, '\n', absl::SkipEmpty())) {
    if (line[0] == '#') continue;
    const size_t space = line.rfind(' ');
    double value = -1;
    EXPECT_TRUE(absl::SimpleAtod(line.substr(space + 1), &value)) << line;
    EXPECT_TRUE(samples.emplace(line.substr(0, space), value).second) << "twice: " << line;
  }
  return samples;
}

bool NeverDecreases(absl::string_view sample) {
  const absl::string_view name = sample.substr(0, sample.find('{'));
  return absl::EndsWith(name, "_total") || absl::EndsWith(name, "_bucket") ||
         absl::EndsWith(name, "_sum") || absl::EndsWith(name, "_count");
}

// Of one name, whatever the labels, but those that have `label`.
double Sum(const Samples& samples, const std::string& name, const std::string& label = "") {
  double sum = 0;
  for (const auto& [sample, value] : samples) {
    const bool is_it = sample == name || absl::StartsWith(sample, name + "{");
    if (is_it && absl::StrContains(sample, label)) sum += value;
  }
  return sum;
}

// Scrapes all the time, and compares each scrape with the one before.
class Watcher {
 public:
  explicit Watcher(const std::string& address)
      : thread_([this, address] {
          while (!done_) Compare(Scrape(address));
        }) {}
  ~Watcher() { Stop(); }
  void Stop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int scrapes() const { return scrapes_; }
  const std::string& trouble() const { return trouble_; }  // after Stop; "" = none

 private:
  void Compare(Samples now) {
    if (now.empty()) return;  // an admin process hands over to the next
    ++scrapes_;
    for (const auto& [sample, before] : last_) {
      if (!NeverDecreases(sample)) continue;
      const auto found = now.find(sample);
      // A worker's place is not told while nobody serves in it.
      if (found == now.end() && absl::StartsWith(sample, "windlass_worker_")) continue;
      if (found == now.end()) {
        absl::StrAppend(&trouble_, "gone: ", sample, "\n");
      } else if (found->second < before) {
        absl::StrAppend(&trouble_, sample, ": ", before, " -> ", found->second, "\n");
      }
    }
    for (auto& [sample, value] : now) last_[sample] = value;
  }

  std::atomic<bool> done_{false};
  std::atomic<int> scrapes_{0};
  std::string trouble_;
  Samples last_;  // also of what is not told just now
  std::thread thread_;
};

// Asks, one request after the other, until it is stopped.
class Asker {
 public:
  explicit Asker(const std::string& address)
      : thread_([this, address] {
          Client client(address);
          while (!done_) {
            client.Send(SearchRequest("morpheus"));
            if (client.ReadAnswer()) ++answered_;
          }
        }) {}
  ~Asker() { Stop(); }
  void Stop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int answered() const { return answered_; }

 private:
  std::atomic<bool> done_{false};
  std::atomic<int> answered_{0};
  std::thread thread_;
};

TEST(Metrics, SayWhatClientsHaveDone) {
  const auto server = Server::StartWithConfig(ConfigText(), {kAnywhere});
  Client message(server->address("message")), line(server->address("line"));
  constexpr int kRequests = 20;
  for (int i = 0; i < kRequests; ++i) {
    message.Send(SearchRequest("morpheus"));
    ASSERT_TRUE(message.ReadAnswer());
    line.Send("hello\n");
    ASSERT_EQ(line.Read(6), "hello\n");
  }
  message.Send(MessageRequest("x", "text/plain", "utf-8", R"(, "handler": "nobody")"));
  ASSERT_TRUE(message.ReadAnswer());
  const Samples samples = Scrape(server->admin_address());
  const std::string at_message =
      absl::StrCat("{listener=\"", server->address("message"), "\",handler=\"");
  const auto value = [&](const std::string& sample) {
    const auto found = samples.find(sample);
    return found == samples.end() ? -1 : found->second;
  };
  EXPECT_EQ(value("windlass_requests_total" + at_message + "search\",code=\"ok\"}"), kRequests);
  EXPECT_EQ(value("windlass_requests_total" + at_message + "\",code=\"not_found\"}"), 1);
  EXPECT_EQ(Sum(samples, "windlass_requests_total", server->address("line")), kRequests);
  EXPECT_EQ(value("windlass_request_duration_seconds_count" + at_message + "search\"}"), kRequests);
  EXPECT_EQ(value("windlass_queue_wait_seconds_count" + at_message + "search\"}"), kRequests);
  EXPECT_EQ(value("windlass_job_duration_seconds_count" + at_message + "search\"}"), kRequests);
  EXPECT_GT(value("windlass_sent_bytes_total" + at_message + "search\"}"),
            kRequests * static_cast<double>(kRabbit.size()));
  EXPECT_EQ(Sum(samples, "windlass_sent_bytes_total", server->address("line")), 6 * kRequests);
  EXPECT_EQ(value("windlass_connections"), 2);
  EXPECT_EQ(value("windlass_processes{role=\"pool\",state=\"serving\"}"), 2);
  EXPECT_GT(value("windlass_resident_memory_bytes{role=\"worker\"}"), 0);
}

TEST(Metrics, NeverGoBackwardsOverReloadsRecyclingAndCrashes) {
  constexpr int kReloads = 20, kCrashes = 100;
  const std::string config =
      ConfigText({.in_pool = "max_jobs = 200", .handlers = FaultText("idempotent = false")});
  const auto server = Server::StartWithConfig(config, {kAnywhere});
  Watcher watcher(server->admin_address());
  Asker asker(server->address("message"));
  Client crasher(server->address("message"));
  int crashes = 0;
  for (int reload = 0; reload < kReloads; ++reload) {
    for (int i = 0; i < kCrashes / kReloads; ++i) {
      crasher.Send(FaultRequest("abort", absl::StrCat("\"n\": ", ++crashes)));
      const std::optional<MessageAnswer> answer = crasher.ReadAnswer();
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->status, "handler_crashed") << answer->content;
    }
    // A handler more each time, and one that goes.
    server->WriteConfig(absl::StrCat(config, FaultText("", absl::StrCat("fault-", reload))));
    ASSERT_TRUE(Reload(*server));
  }
  ASSERT_TRUE(OldGenerationsEnd(*server));
  asker.Stop();
  watcher.Stop();
  EXPECT_EQ(watcher.trouble(), "");
  EXPECT_GT(watcher.scrapes(), kReloads);
  const Samples samples = Scrape(server->admin_address());
  EXPECT_EQ(Sum(samples, "windlass_requests_total", "handler=\"search\",code=\"ok\""),
            asker.answered());
  EXPECT_EQ(Sum(samples, "windlass_requests_total", "code=\"handler_crashed\""), kCrashes);
  EXPECT_GE(Sum(samples, "windlass_restarts_total"), 1);
  EXPECT_EQ(Sum(samples, "windlass_reloads_total", "result=\"ok\""), kReloads);
  EXPECT_TRUE(Eventually([&] {  // those that wait for names are counted then
    return Sum(Scrape(server->admin_address()), "windlass_deaths_total") == kCrashes;
  }));
}

TEST(Metrics, NeverGoBackwardsOverUpgrades) {
  const auto server = Server::StartWithConfig(
      ConfigText({.handlers = FaultText("idempotent = false")}), {kAnywhere});
  const std::string address = server->admin_address();
  Client crasher(server->address("message"));
  crasher.Send(FaultRequest("abort"));
  ASSERT_TRUE(crasher.ReadAnswer());
  server->WriteConfig("nonsense = 1\n");
  ASSERT_NE(server->Ctl({"reload"}).exit_code, 0);
  server->WriteConfig(ConfigText({.handlers = FaultText("idempotent = false")}));
  ASSERT_TRUE(Eventually([&] { return Sum(Scrape(address), "windlass_deaths_total") == 1; }));
  Watcher watcher(address);
  Asker asker(server->address("message"));
  for (int i = 0; i < 2; ++i) {
    const ProgramResult upgraded = server->Ctl({"upgrade"});
    ASSERT_EQ(upgraded.exit_code, 0) << upgraded.err;
  }
  ASSERT_TRUE(OldGenerationsEnd(*server));
  asker.Stop();
  watcher.Stop();
  EXPECT_EQ(watcher.trouble(), "");
  EXPECT_GT(watcher.scrapes(), 2);
  const Samples samples = Scrape(address);
  EXPECT_EQ(Sum(samples, "windlass_requests_total", "handler=\"search\",code=\"ok\""),
            asker.answered());
  EXPECT_EQ(Sum(samples, "windlass_deaths_total"), 1);
  EXPECT_EQ(Sum(samples, "windlass_deaths_total", "cause=\"signal\""), 1);
  EXPECT_EQ(Sum(samples, "windlass_reloads_total", "result=\"failed\""), 1);
  EXPECT_EQ(Sum(samples, "windlass_reloads_total", "result=\"ok\""), 2);
}

TEST(Metrics, AreWhatPromtoolTakes) {
  if (::access("/usr/bin/promtool", X_OK) != 0) GTEST_SKIP() << "not installed: prometheus";
  const auto server = Server::StartWithConfig(ConfigText(), {kAnywhere});
  ASSERT_TRUE(Serves(server->address("message")));
  const std::optional<Page> page = HttpGet(server->admin_address(), "/metrics");
  ASSERT_TRUE(page);
  const ProgramResult checked =
      RunProgram({"/usr/bin/promtool", "check", "metrics"}, page->content);
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

}  // namespace
}  // namespace windlass
